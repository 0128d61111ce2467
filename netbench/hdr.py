"""Histograms on the worker's side: recording, encoding and reading in pure Python.

The configuration is one for all of netbench, so that any two histograms can be merged. The encoded text is the
compressed V2 form of HdrHistogram (https://hdrhistogram.github.io/HdrHistogram/), base64, which the HDR libraries of
other languages read too; :mod:`netbench.histogram` reads it on the controller's side.
"""

from __future__ import annotations

import base64
import struct
import sys
import zlib
from array import array
from collections import Counter
from itertools import islice
from operator import index
from typing import TYPE_CHECKING

from netbench.metrics import HistogramData

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from netbench.metrics import IntervalSeries, Unit

__all__ = (
    "DIGITS",
    "HIGHEST",
    "LOWEST",
    "HistogramRecorder",
    "append_number",
    "encode_buckets",
    "histogram_data",
    "read_buckets",
    "throughput_of",
)

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
_TEXT_HEADER = struct.Struct(">II")
# cookie, length of the counts, normalizing offset, digits, lowest, highest, conversion ratio
_PAYLOAD_HEADER = struct.Struct(">IIIIQQd")

_CHUNK = 65_536
#: A double's exponent for numbers from a half to 1, and the one before it, for its leading bit is added to it.
_EXPONENT_OF_HALF = 1022 - 1
_SIGN = 1 << 31
_UPPER_SIX_BITS = bytes(byte & 0xFC for byte in range(256))
_NS_PER_S = 1_000_000_000


class HistogramRecorder:
    """Collects whole numbers of one unit and encodes them. Not for use by several threads at once."""

    def __init__(self, unit: Unit) -> None:
        self._unit: Unit = unit
        self._tops: Counter[int] = Counter()
        self._total = 0
        self._minimum: int | None = None
        self._maximum: int | None = None

    def record(self, value: int) -> None:
        """Add a value. Where there are many and no hurry, :meth:`record_many` takes a fifth of the time for each.

        Args:
            value: A whole number from ``-HIGHEST`` to ``HIGHEST``.

        Raises:
            OverflowError: It is beyond that.
        """
        magnitude = abs(value)
        if magnitude > HIGHEST:
            raise OverflowError(_beyond(value, self._unit))
        # The upper half of the value as a double, see _tops: its exponent, and ten bits after the leading one.
        bits = magnitude.bit_length()
        leading = (
            magnitude >> bits - _SUB_BUCKET_BITS if bits > _SUB_BUCKET_BITS else magnitude << _SUB_BUCKET_BITS - bits
        )
        top = (bits + _EXPONENT_OF_HALF << _HALF_BITS) + leading << _HALF_BITS if value else 0
        self._tops[top if value >= 0 else top | _SIGN] += 1
        self._total += value
        if self._minimum is None or value < self._minimum:
            self._minimum = value
        if self._maximum is None or value > self._maximum:
            self._maximum = value

    def record_many(self, values: Iterable[int]) -> None:
        """Add values; negative ones are kept as such. Many in one call are faster than one each.

        Args:
            values: Whole numbers from ``-HIGHEST`` to ``HIGHEST``.

        Raises:
            OverflowError: A value is beyond that; it and the values after it are not added.
            TypeError: A value is no whole number; up to 65,535 values before it are not added either.
        """
        for chunk in _chunks(values):
            low, high = min(chunk), max(chunk)
            if low < -HIGHEST or high > HIGHEST:
                first = next(place for place, value in enumerate(chunk) if abs(value) > HIGHEST)
                self.record_many(chunk[:first])
                raise OverflowError(_beyond(chunk[first], self._unit))
            # One fraction among them would make a fraction of their sum.
            self._total += index(sum(chunk))
            self._tops.update(_tops(chunk))
            self._minimum = low if self._minimum is None else min(self._minimum, low)
            self._maximum = high if self._maximum is None else max(self._maximum, high)

    def merge(self, other: HistogramRecorder) -> None:
        """Add everything that another recorder of the same unit has."""
        self._tops.update(other._tops)
        self._total += other._total
        self._minimum = min((each for each in (self._minimum, other._minimum) if each is not None), default=None)
        self._maximum = max((each for each in (self._maximum, other._maximum) if each is not None), default=None)

    def data(self) -> HistogramData:
        """Encode everything recorded so far; recording may go on afterwards."""
        return histogram_data(self._unit, self._tops, total=self._total, minimum=self._minimum, maximum=self._maximum)


def histogram_data(
    unit: Unit, tops: Mapping[int, int], *, total: int, minimum: int | None, maximum: int | None
) -> HistogramData:
    """Encode values that were counted by the upper half of the same number as a double.

    Args:
        unit: What one count means.
        tops: How many values there are for each such half, of which all but the upper 22 bits are 0: the sign, the
            exponent, and the ten bits after the leading one. For whole numbers up to 2**53, which a double holds
            exactly, these are the bucket.
        total: The values' exact sum.
        minimum: The least of them.
        maximum: The greatest.
    """
    positive: dict[int, int] = {}
    negative: dict[int, int] = {}
    words = array("d", bytes(struct.pack(f"={len(tops)}Q", *(top << 32 for top in tops))))
    for value, count in zip(map(int, words), tops.values(), strict=True):
        buckets, magnitude = (negative, -value) if value < 0 else (positive, value)
        shift = (magnitude | _SUB_BUCKET_MASK).bit_length() - _SUB_BUCKET_BITS
        buckets[(shift << _HALF_BITS) + (magnitude >> shift)] = count
    return HistogramData(
        unit=unit,
        count=sum(tops.values()),
        total=total,
        minimum=minimum,
        maximum=maximum,
        positive=encode_buckets(positive),
        negative=encode_buckets(negative) if negative else None,
    )


def throughput_of(series: IntervalSeries, interval_ns: int) -> HistogramData:
    """Turn a series into a histogram of bit/s, one value an interval.

    An interval of less than half the asked length (the rest at the end, or one cut by a stop) says little and is left
    out, unless it is the only one.
    """
    rates: list[int] = []
    begin = 0
    for end, amount in zip(series.ends_ns, series.amounts, strict=True):
        length = end - begin
        if length > 0 and (length * 2 >= interval_ns or len(series.ends_ns) == 1):
            rates.append(amount * 8 * _NS_PER_S // length)
        begin = end
    recorder = HistogramRecorder("bit/s")
    recorder.record_many(rates)
    return recorder.data()


def encode_buckets(buckets: Mapping[int, int]) -> str:
    """Write the counts of buckets, by their index, in the compressed V2 form, base64."""
    counts = _encode_counts(buckets)
    header = _PAYLOAD_HEADER.pack(_PAYLOAD_COOKIE, len(counts), 0, DIGITS, LOWEST, HIGHEST, 1.0)
    payload = zlib.compress(header + counts)
    return base64.b64encode(_TEXT_HEADER.pack(_TEXT_COOKIE, len(payload)) + payload).decode("ascii")


def read_buckets(text: str) -> dict[int, int]:
    """Read what :func:`encode_buckets` wrote.

    Raises:
        ValueError: It is something else.
    """
    try:
        payload = zlib.decompress(base64.b64decode(text, validate=True)[_TEXT_HEADER.size :])
    except zlib.error as error:
        raise ValueError(str(error)) from error
    buckets: dict[int, int] = {}
    place = number = shift = 0
    for byte in payload[_PAYLOAD_HEADER.size :]:
        number |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
            continue
        if number & 1:
            place += (number + 1) >> 1
        else:
            buckets[place] = number >> 1
            place += 1
        number = shift = 0
    return buckets


def _chunks(values: Iterable[int]) -> Iterator[Sequence[int]]:
    """Cut values into pieces that a processor's cache holds."""
    if isinstance(values, list | tuple | array):
        # A slice costs a third of what an iterator does.
        for begin in range(0, len(values), _CHUNK):
            yield values[begin : begin + _CHUNK]
        return
    remaining = iter(values)
    while chunk := tuple(islice(remaining, _CHUNK)):
        yield chunk


def _beyond(value: int, unit: Unit) -> str:
    return f"{value} {unit} is beyond what a histogram holds, +-{HIGHEST} {unit}"


def _tops(values: Sequence[int]) -> array[int]:
    """Give the upper half of each value as a double, cut to what tells its bucket; see :func:`histogram_data`.

    The processor finds the buckets when it converts, the rest is cutting bytes, and no value goes through the
    interpreter: a value takes 0.11 us with all that belongs to it, where inlined arithmetic takes 0.16.
    """
    doubles = array("d", values)
    if sys.byteorder == "big":
        doubles.byteswap()
    raw = doubles.tobytes()
    cut = bytearray(4 * len(values))
    cut[3::4] = raw[7::8]
    cut[2::4] = raw[6::8]
    cut[1::4] = raw[5::8].translate(_UPPER_SIX_BITS)
    tops = array("I", bytes(cut))
    if sys.byteorder == "big":
        tops.byteswap()
    return tops


def _encode_counts(buckets: Mapping[int, int]) -> bytes:
    """Write counts as ZigZag LEB128 numbers, up to the last bucket that is used; a run of n empty ones is -n."""
    encoded = bytearray()
    expected = 0
    for place in sorted(buckets):
        if place > expected:
            append_number(encoded, 2 * (place - expected) - 1)
        append_number(encoded, 2 * buckets[place])
        expected = place + 1
    return bytes(encoded)


def append_number(encoded: bytearray, number: int) -> None:
    """Append a number >= 0 as LEB128: seven bits a byte, the eighth says that more follow."""
    while number > 0x7F:  # noqa: PLR2004 - seven bits
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
