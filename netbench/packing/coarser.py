"""Histograms made coarser, because of the room that they take where each byte is kept by an API server.

Neighbouring buckets are taken together, and the configuration stays what it is: a coarser histogram can be merged with
any other, and its count, sum, least and greatest are exact. Its percentiles are up to 0.2, 0.3 or 0.5 % from the values
that they stand for (or 1, 2 or 4 counts of the unit) with two, four or eight buckets in one, where three digits are
0.1 %.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs

from netbench.hdr import encode_buckets, read_buckets
from netbench.packing.counts import write_counts
from netbench.packing.stream import Writer

if TYPE_CHECKING:
    from netbench.metrics import HistogramData

__all__ = ("FITTING_BYTES", "to_fit", "to_two_digits")

#: Two such histograms, a minute's intervals and all else that a pair reports are some 8 KB of text.
FITTING_BYTES = 1536
#: Two digits take 256 sub-buckets where three take 2,048: eight in one.
_TWO_DIGITS = 3


def to_two_digits(data: HistogramData) -> HistogramData:
    """Take eight buckets together: a histogram then takes a quarter of the room or less."""
    return _coarser(data, _TWO_DIGITS)


def to_fit(data: HistogramData) -> HistogramData:
    """Take two, four or eight buckets together, as few as make the histogram fit, or none if it does already.

    With eight it may still take more than :data:`FITTING_BYTES`; it is not made coarser than two digits.
    """
    coarser = data
    for halvings in range(1, _TWO_DIGITS + 1):
        if _packed_bytes(coarser) <= FITTING_BYTES:
            break
        coarser = _coarser(data, halvings)
    return coarser


def _coarser(data: HistogramData, halvings: int) -> HistogramData:
    """Put the values of ``2**halvings`` neighbouring buckets into that after the middle."""
    return attrs.evolve(
        data,
        positive=_coarser_text(data.positive, halvings),
        negative=None if data.negative is None else _coarser_text(data.negative, halvings),
    )


def _coarser_text(text: str, halvings: int) -> str:
    together: Counter[int] = Counter()
    middle = 1 << (halvings - 1)
    for place, count in read_buckets(text).items():
        together[place >> halvings << halvings | middle] += count
    return encode_buckets(together)


def _packed_bytes(data: HistogramData) -> int:
    writer = Writer()
    for text in (data.positive, data.negative):
        if text is not None:
            write_counts(writer, read_buckets(text))
    return len(writer.to_bytes())
