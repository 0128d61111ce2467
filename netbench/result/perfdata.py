"""A result in the form of ClusterLoader2's PerfData, for tools that read its report files."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netbench.histogram import Histogram
    from netbench.result.model import Result
    from netbench.result.pair import PairResult

__all__ = ("perfdata",)

_BYTES_PER_KBYTE = 1024


@attrs.frozen
class _Metric:
    """One of ClusterLoader2's metrics: its name, its unit, and what one pair's mean is in that unit."""

    name: str
    unit: str
    of_pair: Callable[[PairResult], float | None]


def perfdata(result: Result) -> dict[str, Any]:
    """Give the PerfData document of the traffic's protocol.

    One pair gives ``{"Value": x}``. Several give ``Perc05``, ``Perc50`` and ``Perc95``: nearest rank over one mean per
    pair; pairs that failed count as planned but have no mean. A metric that nobody measured is absent, where
    ClusterLoader2 would write 0.
    """
    planned = len(result.pairs) + len(result.failures)
    items: list[dict[str, Any]] = []
    for metric in _METRICS[result.spec.traffic.protocol]:
        means = sorted(mean for mean in map(metric.of_pair, result.pairs) if mean is not None)
        if means:
            data = {"Value": means[0]} if planned == 1 else _percentiles(means)
            items.append({"data": data, "unit": metric.unit, "labels": {"Metric": metric.name}})
    return {"version": "v1", "dataItems": items}


def _percentiles(ascending: Sequence[float]) -> dict[str, float]:
    return {f"Perc{percent:02}": ascending[math.ceil(percent * len(ascending) / 100) - 1] for percent in (5, 50, 95)}


def _times(number: float | None, factor: float) -> float | None:
    return None if number is None else number * factor


def _mean(histogram: Histogram | None) -> float | None:
    return None if histogram is None else histogram.mean


_METRICS = {
    "tcp": (_Metric("Throughput", "kbytes/sec", lambda pair: _times(pair.throughput_bps, 1 / 8 / _BYTES_PER_KBYTE)),),
    "udp": (
        _Metric("Packet_Per_Second", "pps", lambda pair: pair.received_pps),
        _Metric("Jitter", "ms", lambda pair: _times(pair.jitter_s, 1e3)),
        _Metric("Latency", "ms", lambda pair: _times(_mean(pair.one_way_delay), 1e3)),
        _Metric("Lost_Packets", "percentage", lambda pair: _times(pair.loss_ratio, 100)),
    ),
    "http": (_Metric("Response_Time", "seconds", lambda pair: _mean(pair.response_time)),),
}
