"""Histograms on the worker's side: recording and encoding in pure Python.

The configuration is one for all of netbench, so that any two histograms can be merged. The encoded text is the
compressed V2 form of HdrHistogram (https://hdrhistogram.github.io/HdrHistogram/), base64, which the HDR libraries of
other languages read too; :mod:`netbench.histogram` reads it on the controller's side.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from netbench.metrics import HistogramData

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netbench.metrics import Unit

__all__ = ("DIGITS", "HIGHEST", "LOWEST", "HistogramRecorder")

#: Least and greatest value that is told apart, in counts of the histogram's unit: 1 ns to 13 days, 1 bit/s to 1.1
#: Pbit/s.
LOWEST = 1
HIGHEST = 2**50
#: Significant decimal digits that are kept.
DIGITS = 3

# Three digits take 2,048 sub-buckets of width 1; each further bucket has 1,024 of double width (HdrHistogram's layout).
_SUB_BUCKET_BITS = 11
_SUB_BUCKET_MASK = 2**_SUB_BUCKET_BITS - 1
_HALF_BITS = _SUB_BUCKET_BITS - 1

_TEXT_COOKIE = 0x1C849304 | 0x10
_PAYLOAD_COOKIE = 0x1C849303 | 0x10

_CHUNK = 65_536


class HistogramRecorder:
    """Collects whole numbers of one unit and encodes them. Not for use by several threads at once."""

    def __init__(self, unit: Unit) -> None:
        self._unit: Unit = unit
        self._positive: Counter[int] = Counter()
        self._negative: Counter[int] = Counter()
        self._count = 0
        self._total = 0
        self._minimum: int | None = None
        self._maximum: int | None = None

    def record_many(self, values: Iterable[int]) -> None:
        """Add values; negative ones are kept as such. Many in one call are faster than one each.

        Args:
            values: Whole numbers from ``-HIGHEST`` to ``HIGHEST``.

        Raises:
            OverflowError: A value is beyond that; it and the values after it are not added.
        """
        remaining = iter(values)
        while chunk := tuple(islice(remaining, _CHUNK)):
            low, high = min(chunk), max(chunk)
            if low < -HIGHEST or high > HIGHEST:
                first = next(place for place, value in enumerate(chunk) if abs(value) > HIGHEST)
                self.record_many(chunk[:first])
                msg = f"{chunk[first]} {self._unit} is beyond what a histogram holds, +-{HIGHEST} {self._unit}"
                raise OverflowError(msg)
            self._add(chunk, low, high)

    def merge(self, other: HistogramRecorder) -> None:
        """Add everything that another recorder of the same unit has."""
        self._positive.update(other._positive)
        self._negative.update(other._negative)
        self._count += other._count
        self._total += other._total
        self._minimum = min((each for each in (self._minimum, other._minimum) if each is not None), default=None)
        self._maximum = max((each for each in (self._maximum, other._maximum) if each is not None), default=None)

    def data(self) -> HistogramData:
        """Encode everything recorded so far; recording may go on afterwards."""
        return HistogramData(
            unit=self._unit,
            count=self._count,
            total=self._total,
            minimum=self._minimum,
            maximum=self._maximum,
            positive=_encode(self._positive),
            negative=_encode(self._negative) if self._negative else None,
        )

    def _add(self, chunk: tuple[int, ...], low: int, high: int) -> None:
        self._minimum = low if self._minimum is None else min(self._minimum, low)
        self._maximum = high if self._maximum is None else max(self._maximum, high)
        self._count += len(chunk)
        self._total += sum(chunk)
        if low < 0:
            self._negative.update(_buckets(-value for value in chunk if value < 0))
            self._positive.update(_buckets(value for value in chunk if value >= 0))
        else:
            self._positive.update(_buckets(chunk))


def _buckets(values: Iterable[int]) -> list[int]:
    """Give the index of the bucket of each value >= 0.

    The arithmetic is inlined and the counting left to :class:`collections.Counter`, which counts in C: 1,000,000 values
    take a fifth of a second, where one call each takes 1.5 s.
    """
    return [
        ((shift := (value | _SUB_BUCKET_MASK).bit_length() - _SUB_BUCKET_BITS) << _HALF_BITS) + (value >> shift)
        for value in values
    ]


def _encode(buckets: Mapping[int, int]) -> str:
    """Write buckets in the compressed V2 form, base64."""
    counts = _encode_counts(buckets)
    # cookie, length of the counts, normalizing offset, digits, lowest, highest, conversion ratio
    header = struct.pack(">IIIIQQd", _PAYLOAD_COOKIE, len(counts), 0, DIGITS, LOWEST, HIGHEST, 1.0)
    payload = zlib.compress(header + counts)
    return base64.b64encode(struct.pack(">II", _TEXT_COOKIE, len(payload)) + payload).decode("ascii")


def _encode_counts(buckets: Mapping[int, int]) -> bytes:
    """Write counts as ZigZag LEB128 numbers, up to the last bucket that is used; a run of n empty ones is -n."""
    encoded = bytearray()
    expected = 0
    for index in sorted(buckets):
        if index > expected:
            _append_number(encoded, 2 * (index - expected) - 1)
        _append_number(encoded, 2 * buckets[index])
        expected = index + 1
    return bytes(encoded)


def _append_number(encoded: bytearray, zigzag: int) -> None:
    while zigzag > 0x7F:  # noqa: PLR2004 - LEB128: seven bits a byte, the eighth says that more follow
        encoded.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    encoded.append(zigzag)
