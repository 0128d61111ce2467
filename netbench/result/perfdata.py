"""A result in the form of ClusterLoader2's PerfData, for tools that read its report files."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netbench.histogram import Histogram
    from netbench.result.model import Result
    from netbench.result.pair import PairResult

__all__ = ("no_perfdata", "perfdata")

_BYTES_PER_KBYTE = 1024
#: UDP's one-way delay.
_DELAY = "Latency"
#: ClusterLoader2's percentiles, and those that it does not have.
_BODY, _TAIL = ("05", "50", "95"), ("90", "99", "99.9")


@attrs.frozen
class _Metric:
    """One of ClusterLoader2's metrics: its name, its unit, and what one pair's mean is in that unit."""

    name: str
    unit: str
    of_pair: Callable[[PairResult], float | None]


def perfdata(result: Result, planned: int | None = None) -> dict[str, Any]:
    """Give the PerfData document of the traffic's protocol.

    One pair gives ``{"Value": x}``. Several give ``Perc05``, ``Perc50`` and ``Perc95``: nearest rank over one mean per
    pair; pairs that failed count as planned but have no mean. A metric that nobody measured is absent, where
    ClusterLoader2 would write 0, and so is a delay about which the clocks' bound leaves too much open (``clock-bound``
    of the verdict). Items of their own, which tools that look for ClusterLoader2's do not see, have
    ``Perc90``, ``Perc99`` and ``Perc99.9`` of the same means, and how many pairs were planned, measured and not.

    Args:
        result: The result.
        planned: How many pairs there were to be; None counts those of the result.
    """
    planned = max(planned or 0, len(result.pairs) + len(result.failures))
    items: list[dict[str, Any]] = []
    tails: list[dict[str, Any]] = []
    unknown = any(doubt.rule == "clock-bound" for doubt in result.verdict.doubts)
    for metric in _METRICS[result.spec.traffic.protocol]:
        if metric.name == _DELAY and unknown:
            # A bare number has no place for its bound; the table, the JSON and the data frame have one.
            continue
        means = sorted(mean for mean in map(metric.of_pair, result.pairs) if mean is not None)
        if means:
            data = {"Value": means[0]} if planned == 1 else _percentiles(means, _BODY)
            items.append(_item(data, metric.unit, Metric=metric.name))
            tails.append(_item(_percentiles(means, _TAIL), metric.unit, Metric=metric.name, Percentiles="tail"))
    # The result does not know of pairs that could not be made.
    doubts = len(result.verdict.doubts) + (planned > len(result.pairs) + len(result.failures))
    verdict = {"Trusted": int(not doubts), "Doubts": doubts}
    judged = _item(verdict, "count", Metric="Verdict")
    return {"version": "v1", "dataItems": [*items, *tails, judged, _completeness(planned, len(result.pairs))]}


def no_perfdata(planned: int) -> dict[str, Any]:
    """Give the PerfData document of so many pairs of which none was measured."""
    return {"version": "v1", "dataItems": [_completeness(planned, 0)]}


def _completeness(planned: int, measured: int) -> dict[str, Any]:
    counts = {"Planned": planned, "Measured": measured, "Missing": planned - measured}
    return _item(counts, "pairs", Metric="Completeness")


def _item(data: dict[str, Any], unit: str, **labels: str) -> dict[str, Any]:
    return {"data": data, "unit": unit, "labels": labels}


def _percentiles(ascending: Sequence[float], percents: Sequence[str]) -> dict[str, float]:
    """Give percentiles by nearest rank; in exact arithmetic, since 0.999 has no exact float."""
    count = len(ascending)
    ranks = {percent: math.ceil(Fraction(percent) * count / 100) for percent in percents}
    return {f"Perc{percent}": ascending[rank - 1] for percent, rank in ranks.items()}


def _times(number: float | None, factor: float) -> float | None:
    return None if number is None else number * factor


def _mean(histogram: Histogram | None) -> float | None:
    return None if histogram is None else histogram.mean


_METRICS = {
    "tcp": (_Metric("Throughput", "kbytes/sec", lambda pair: _times(pair.throughput_bps, 1 / 8 / _BYTES_PER_KBYTE)),),
    "udp": (
        _Metric("Packet_Per_Second", "pps", lambda pair: pair.received_pps),
        _Metric("Jitter", "ms", lambda pair: _times(pair.jitter_s, 1e3)),
        _Metric(_DELAY, "ms", lambda pair: _times(_mean(pair.one_way_delay), 1e3)),
        _Metric("Lost_Packets", "percentage", lambda pair: _times(pair.loss_ratio, 100)),
    ),
    "http": (_Metric("Response_Time", "seconds", lambda pair: _mean(pair.response_time)),),
}
