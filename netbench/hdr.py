"""Histograms on the worker's side: recording and encoding in pure Python.

The configuration is one for all of netbench, so that any two histograms can be merged.
"""

from __future__ import annotations

#: Least and greatest value that is told apart, in counts of the histogram's unit: 1 ns to 13 days, 1 bit/s to 1.1 Pbit/s.
LOWEST = 1
HIGHEST = 2**50
#: Significant decimal digits that are kept.
DIGITS = 3

from typing import TYPE_CHECKING  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netbench.metrics import HistogramData, Unit


class HistogramRecorder:
    """Collects whole numbers and encodes them."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def record_many(self, values: Iterable[int]) -> None:
        """Add values; negative ones are kept as such."""
        raise NotImplementedError

    def data(self) -> HistogramData:
        """Encode everything recorded so far."""
        raise NotImplementedError
