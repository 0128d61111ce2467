"""The charts of a result: throughput over time, and latency by percentile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from netbench.result.svg import Chart, Curve, round_marks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netbench.histogram import Histogram
    from netbench.metrics import IntervalSeries
    from netbench.result.model import Result
    from netbench.result.pair import PairResult

__all__ = ("latency_chart", "throughput_chart")

_NS_PER_S = 1_000_000_000
#: A chart is some 500 pixels wide; more points than this in one curve only make the page large.
_POINTS_MAX = 250
#: Marks of the percentile axis, which stretches its upper end: each step to the right is ten times rarer.
_PERCENT_MARKS = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999)
_PERCENT_POINTS = (
    *(float(percent) for percent in range(0, 90, 2)),
    *(100 - 10 ** (1 - step / 8) for step in range(33)),
)


def throughput_chart(result: Result) -> Chart:
    """Draw what each pair's receiver got in each interval, on the common clock of its round."""
    starts = {
        index: min(pair.window[0] for pair in result.pairs_of_round(index))
        for index in {pair.round_index for pair in result.pairs}
    }
    curves = [curve for pair in result.pairs for curve in _throughput_curves(pair, starts[pair.round_index], result)]
    longest = max((x for curve in curves for x, _ in curve.points), default=1.0)
    marks = [mark for mark in round_marks(0.0, longest) if mark <= longest * 1.001]
    return Chart(
        title="Throughput",
        x_label="seconds from the start",
        x_ticks=[(mark, f"{mark:g}") for mark in marks],
        y_kind="bit/s",
        y_from_zero=True,
        curves=curves,
    )


def latency_chart(result: Result) -> Chart:
    """Draw each pair's latency by percentile."""
    names = {"tcp": "Round-trip time", "udp": "One-way delay", "http": "Response time"}
    measured = [(pair, pair.rtt or pair.one_way_delay or pair.response_time) for pair in result.pairs]
    curves = [
        Curve(_name(pair, result), list(_latency_points(histogram)))
        for pair, histogram in measured
        if histogram is not None
    ]
    rightmost = max((x for curve in curves for x, _ in curve.points), default=1.0)
    return Chart(
        title=names[result.spec.traffic.protocol],
        x_label="percentile",
        x_ticks=[(_nines(mark), f"{mark:g}") for mark in _PERCENT_MARKS if _nines(mark) <= rightmost + 0.01],
        y_kind="s",
        y_from_zero=True,
        curves=curves,
    )


def _name(pair: PairResult, result: Result) -> str:
    return f"{pair.pair}, round {pair.round_index + 1}" if result.rounds > 1 else str(pair.pair)


def _throughput_curves(pair: PairResult, origin_ns: int, result: Result) -> Iterator[Curve]:
    shift_s = (pair.window[0] - origin_ns) / _NS_PER_S
    both = len(pair.receiver_series) > 1
    for place, series in enumerate(pair.receiver_series):
        way = ("", " (one way)", " (other way)")[place + 1 if both else 0]
        yield Curve(_name(pair, result) + way, [(x + shift_s, y) for x, y in _rates(series)])


def _rates(series: IntervalSeries) -> Iterator[tuple[float, float]]:
    """Give each interval's middle in seconds and its bit/s; where there are too many, neighbours are joined."""
    group = max(1, math.ceil(len(series.ends_ns) / _POINTS_MAX))
    begin_ns = 0
    for first in range(0, len(series.ends_ns), group):
        end_ns = series.ends_ns[min(first + group, len(series.ends_ns)) - 1]
        if end_ns > begin_ns:
            amount = sum(series.amounts[first : first + group])
            yield (begin_ns + end_ns) / 2 / _NS_PER_S, amount * 8 * _NS_PER_S / (end_ns - begin_ns)
        begin_ns = end_ns


def _latency_points(histogram: Histogram) -> Iterator[tuple[float, float]]:
    """Give points up to the percentile beyond which there is but one value."""
    last = 100 - 100 / histogram.count
    for percent in _PERCENT_POINTS:
        if percent <= last or percent == 0:
            yield _nines(percent), histogram.percentile(percent)


def _nines(percent: float) -> float:
    """Stretch the percentile axis: 90, 99 and 99.9 % are 1, 2 and 3."""
    return -math.log10(1 - percent / 100)
