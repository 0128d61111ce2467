"""Was the throughput the same all the time? A mean of something that changes says little."""

from __future__ import annotations

import math
from itertools import accumulate
from statistics import fmean, linear_regression, median
from typing import TYPE_CHECKING

import attrs

from netbench.result.verdict.judgement import Doubt, Finding, doubt_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netbench.metrics import IntervalSeries
    from netbench.result.model import Result
    from netbench.result.pair import PairResult

__all__ = ("Change", "change_point", "steadiness_doubts", "trend", "warmup_bins", "warmup_errors")

#: A series is looked at in so many parts of equal length, fewer where it has fewer intervals.
_BINS, _BINS_MIN = 20, 10
#: Shares of the mean: what a change, a slope over the whole time, and a warm-up must make of a difference.
_CHANGE, _TREND, _WARMUP = 0.1, 0.1, 0.02
#: Standard errors by which a stretch differs from the rest, and a warm-up from what follows it; and Mann's and
#: Kendall's z (p < 0.001). Of 400 steady series of white noise at most one in fifty breaks a rule.
_CHANGE_T, _WARMUP_T, _TREND_Z = 6.0, 5.0, 3.29
#: No stretch that differs is shorter than this share, and neither is the rest.
_STRETCH = 0.1
#: A difference that rounding may make.
_NOTHING = 1e-9
_NS_PER_S = 1_000_000_000


def steadiness_doubts(result: Result) -> Iterator[Doubt]:
    """Look at warm-up, trend and change points of every pair's throughput."""
    warming, sloping, changing = [], [], []
    suggested_s = 0.0
    for pair in result.pairs:
        values, bin_s = _binned(pair)
        if len(values) < _BINS_MIN or not any(values):
            continue
        first = warmup_bins(values)
        steady, mean = fmean(values[first:]), fmean(values)
        off = abs(mean - steady) / steady if steady else 0.0
        warms = off >= _WARMUP and warmup_errors(values, first) >= _WARMUP_T and not _goes_on(values, first)
        if warms:
            suggested_s = max(suggested_s, result.spec.warmup_s + first * bin_s)
            words = f"its first {first * bin_s:.2g} s differ and move its mean by {off:.1%}"
            warming.append(Finding(str(pair.pair), off, words))
        # What the warm-up explains is not said twice.
        rest = values[first:] if warms else values
        change, slope = change_point(rest), trend(rest)
        changes, slopes = abs(change.share) >= _CHANGE, abs(slope) >= _TREND
        # A slope is a change too, and the other way round: what leaves less unexplained is said.
        if changes and not (slopes and _squares_off_line(rest) < change.squares):
            at_s = (len(values) - len(rest) + change.place) * bin_s
            words = f"its throughput changed by {change.share:+.0%} of its mean after {at_s:.2g} s"
            changing.append(Finding(str(pair.pair), abs(change.share), words))
        elif slopes:
            words = f"its throughput changed steadily, by {slope:+.0%} of its median over the whole time"
            sloping.append(Finding(str(pair.pair), abs(slope), words))
    yield from doubt_of(
        "warm-up", warming, _WARMUP, f"Measure again with warmup_s={math.ceil(suggested_s * 10) / 10:g}"
    )
    unsteady = "Something changed meanwhile: look at the plot, measure longer, or repeat until the interval is narrow"
    yield from doubt_of("change-point", changing, _CHANGE, unsteady)
    yield from doubt_of("trend", sloping, _TREND, unsteady)


def warmup_bins(values: Sequence[float]) -> int:
    """Give how many values at the beginning are best left out: White's marginal standard error rule (MSER, 1997).

    It leaves out as many as make the standard error of the mean of the rest least, at most half.
    """
    sums = _Sums(values)
    count = len(values)
    errors = [sums.variance(first, count) / (count - first) for first in range(count // 2 + 1)]
    return min(range(len(errors)), key=errors.__getitem__)


def warmup_errors(values: Sequence[float], first: int) -> float:
    """Give by how many standard errors the mean of so many first values differs from that of the rest.

    The rule above leaves something out of mere noise too. The error is that of the rest's scatter: a warm-up's own
    values climb, which must not make it harder to see.
    """
    rest = len(values) - first
    if not first or rest < 2:  # noqa: PLR2004 - one value has no scatter
        return 0.0
    sums = _Sums(values)
    difference = abs(sums.mean(0, first) - sums.mean(first, len(values)))
    variance = sums.variance(first, len(values)) * rest / (rest - 1)
    return _errors(difference, math.sqrt(variance * (1 / first + 1 / rest)))


def _goes_on(values: Sequence[float], first: int) -> bool:
    """Whether what begins as a warm-up never ends: the rest has a trend, and the whole one the same way."""
    after, whole = trend(values[first:]), trend(values)
    return abs(after) >= _TREND and after * whole > 0


@attrs.frozen
class Change:
    """Where a series changed.

    Attributes:
        place: The first value after it.
        share: By how much, as a share of the whole mean; 0 where it did not to speak of.
        squares: What is left unexplained: squares of the differences from the two means, as shares of the whole one.
    """

    place: int = 0
    share: float = 0.0
    squares: float = math.inf


def change_point(values: Sequence[float]) -> Change:
    """Find the stretch whose mean differs most from that of the rest, by Student's t over every stretch.

    A stretch may begin or end the series, which then changed once, or lie within it (circular binary segmentation,
    Olshen et al., 2004). The scatter is that of both together: two noisy neighbours that are alike by
    chance have none of their own.
    """
    sums, count = _Sums(values), len(values)
    shortest = max(2, math.ceil(_STRETCH * count))
    best, found = 0.0, Change()
    for first in range(count):
        for last in range(first + shortest, count + 1):
            inside, outside = last - first, count - (last - first)
            if outside < shortest:
                break
            difference = sums.mean(first, last) - sums.mean_without(first, last)
            squares = inside * sums.variance(first, last) + outside * sums.variance_without(first, last)
            score = _errors(abs(difference), math.sqrt(squares / (count - 2) * (1 / inside + 1 / outside)))
            if score > best:
                # A stretch from the beginning is what it changed from.
                best, found = score, Change(first or last, difference if first else -difference, squares)
    return found if best >= _CHANGE_T else Change()


def _squares_off_line(values: Sequence[float]) -> float:
    """Give what a straight line leaves unexplained, in the same measure."""
    whole = fmean(values)
    slope, start = linear_regression(range(len(values)), values)
    return sum(((value - start - slope * place) / whole) ** 2 for place, value in enumerate(values))


def _errors(difference: float, error: float) -> float:
    return difference / error if error else (math.inf if difference > _NOTHING else 0.0)


class _Sums:
    """Means and variances of stretches of a series, as shares of its mean, in constant time each."""

    def __init__(self, values: Sequence[float]) -> None:
        whole = fmean(values) or 1.0
        shares = [value / whole - 1 for value in values]
        self._count = len(values)
        self._sums = (0.0, *accumulate(shares))
        self._squares = (0.0, *accumulate(share * share for share in shares))

    def mean(self, first: int, last: int) -> float:
        return (self._sums[last] - self._sums[first]) / (last - first)

    def variance(self, first: int, last: int) -> float:
        count = last - first
        squares = self._squares[last] - self._squares[first]
        return max(0.0, squares / count - self.mean(first, last) ** 2)

    def mean_without(self, first: int, last: int) -> float:
        return (self._sums[-1] - self._sums[last] + self._sums[first]) / (self._count - last + first)

    def variance_without(self, first: int, last: int) -> float:
        count = self._count - last + first
        squares = self._squares[-1] - self._squares[last] + self._squares[first]
        return max(0.0, squares / count - self.mean_without(first, last) ** 2)


def trend(values: Sequence[float]) -> float:
    """Give the slope of a series over its whole length as a share of its median, if it has one.

    The slope is Theil's and Sen's, the median over all pairs of values; whether there is one, Mann's and Kendall's test
    says. Both do not mind outliers.
    """
    count, middle = len(values), median(values)
    pairs = [
        (later - earlier, values[later] - values[earlier])
        for earlier in range(count)
        for later in range(earlier + 1, count)
    ]
    score = sum((rise > 0) - (rise < 0) for _, rise in pairs)
    deviation = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    if not middle or abs(score) / deviation < _TREND_Z:
        return 0.0
    return median(rise / run for run, rise in pairs) * (count - 1) / middle


def _binned(pair: PairResult) -> tuple[list[float], float]:
    """Give a pair's received bytes in equal parts of its window, over all directions, and a part's seconds."""
    series = [each for each in pair.receiver_series if each.ends_ns]
    if not series:
        return [], 0.0
    count = min(_BINS, *(len(each.ends_ns) for each in series))
    parts = [_parts(each, count) for each in series]
    # What was stopped is shorter than the spec's duration.
    bin_s = max(each.ends_ns[-1] for each in series) / count / _NS_PER_S
    return [sum(amounts) for amounts in zip(*parts, strict=True)], bin_s


def _parts(series: IntervalSeries, count: int) -> list[float]:
    """Spread what arrived in each interval evenly over it, and add up each part."""
    end = series.ends_ns[-1]
    parts = [0.0] * count
    begin = 0
    for until, amount in zip(series.ends_ns, series.amounts, strict=True):
        first, last = begin * count // end, min(until * count // end, count - 1)
        for place in range(first, last + 1):
            overlap = min(until, (place + 1) * end / count) - max(begin, place * end / count)
            parts[place] += amount * max(0.0, overlap) / (until - begin) if until > begin else 0.0
        begin = until
    return parts
