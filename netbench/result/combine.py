"""Adding up what several records, pairs or rounds say, without hiding that one of them said nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from netbench.histogram import Histogram
from netbench.metrics import HistogramData

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netbench.metrics import IntervalSeries

__all__ = ("added", "complete_sum", "mean_of_known", "merged_or_none", "rate_bps")

_NS_PER_S = 1_000_000_000

Count = TypeVar("Count", int, float)


def complete_sum(amounts: Iterable[Count | None]) -> Count | None:
    """Add up; None where there is nothing to add, or where one amount is missing and the sum would be too small."""
    kept = list(amounts)
    known = [amount for amount in kept if amount is not None]
    return sum(known[1:], start=known[0]) if known and len(known) == len(kept) else None


def mean_of_known(figures: Iterable[float | None]) -> float | None:
    """Give the mean of those that are there; None where none is."""
    known = [figure for figure in figures if figure is not None]
    return sum(known) / len(known) if known else None


def added(counts: Iterable[Mapping[str, int] | None]) -> dict[str, int] | None:
    """Add up counts by their key; None where there are none to add, or where one part is missing."""
    parts = list(counts)
    total: dict[str, int] = {}
    for part in parts:
        if part is None:
            return None
        for key, amount in part.items():
            total[key] = total.get(key, 0) + amount
    return dict(sorted(total.items())) if parts else None


def merged_or_none(histograms: Iterable[HistogramData | Histogram | None]) -> Histogram | None:
    """Merge the histograms that hold anything; None where there is none."""
    made = (Histogram.from_data(each) if isinstance(each, HistogramData) else each for each in histograms)
    filled = [each for each in made if each is not None and not each.is_empty]
    return Histogram.merged(filled) if filled else None


def rate_bps(series: IntervalSeries) -> float | None:
    """Give bit/s over a whole series, whose ends say how long it really was; what came after it does not count."""
    if not series.ends_ns or series.ends_ns[-1] <= 0:
        return None
    return sum(series.amounts) * 8 * _NS_PER_S / series.ends_ns[-1]
