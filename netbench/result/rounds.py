"""What a whole round carried while all of its pairs were sending.

Pairs never start and end at quite the same instant. A total over their own windows would count what one carried while
another was not there; so only the common window counts, and every pair's part of it is read from its receiver's
interval series.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netbench.metrics import IntervalSeries
    from netbench.result.pair import PairResult

__all__ = ("common_window", "overlap_ratio", "summed", "total_throughput_bps")

_NS_PER_S = 1_000_000_000


def common_window(pairs: Sequence[PairResult]) -> tuple[int, int] | None:
    """Give the window in which all pairs of one round were sending, in Unix nanoseconds of the time base.

    None where there is no pair or no such window.
    """
    if not pairs:
        return None
    if len(pairs) == 1:
        # Its figures are those of its whole window, late or not.
        start, end = pairs[0].window
    else:
        start = max(pair.sending[0] for pair in pairs)
        end = min(pair.sending[1] for pair in pairs)
    return (start, end) if end > start else None


def overlap_ratio(pairs: Sequence[PairResult]) -> float | None:
    """Give the common window of one round as a share of its longest pair's; 0 where there is none in common.

    None where there is no pair, or none of them was counted.
    """
    longest = max((pair.window[1] - pair.window[0] for pair in pairs), default=0)
    if longest <= 0:
        return None
    window = common_window(pairs)
    return 0.0 if window is None else (window[1] - window[0]) / longest


def total_throughput_bps(pairs: Sequence[PairResult]) -> float | None:
    """Add up the payload bit/s that all pairs of one round received in their common window.

    None where there is no such window, or a pair has no interval series.
    """
    window = common_window(pairs)
    if window is None or not all(series.ends_ns for pair in pairs for series in pair.receiver_series):
        return None
    start, end = window
    amount = 0.0
    for pair in pairs:
        if not pair.receiver_series:
            return None
        begin = pair.window[0]
        amount += sum(_bytes_between(series, start - begin, end - begin) for series in pair.receiver_series)
    return amount * 8 * _NS_PER_S / (end - start)


def summed(pairs: Sequence[PairResult], figure: Callable[[PairResult], float | None]) -> float | None:
    """Add up a figure over the pairs of one round; None where there is no pair or one of them lacks it."""
    total: float | None = None
    for pair in pairs:
        part = figure(pair)
        if part is None:
            return None
        total = part if total is None else total + part
    return total


def _bytes_between(series: IntervalSeries, start_ns: int, end_ns: int) -> float:
    totals = tuple(accumulate(series.amounts))
    return _bytes_until(series.ends_ns, totals, end_ns) - _bytes_until(series.ends_ns, totals, start_ns)


def _bytes_until(ends_ns: Sequence[int], totals: Sequence[int], instant_ns: int) -> float:
    """Interpolate linearly within the interval that the instant falls in."""
    place = bisect_left(ends_ns, instant_ns)
    if place == len(ends_ns):
        return totals[-1]
    begin_ns, before = (ends_ns[place - 1], totals[place - 1]) if place else (0, 0)
    if instant_ns <= begin_ns:
        return before
    return before + (totals[place] - before) * (instant_ns - begin_ns) / (ends_ns[place] - begin_ns)
