"""Histograms on the controller's side: merged and asked for percentiles.

The one place that touches ``hdrh``. It is imported when the first histogram is read, so that ``import netbench`` stays
fast.
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from bisect import bisect_left
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from netbench.bulk import histogram_of
from netbench.errors import InvalidArgumentError, MissingValueError, ResultFormatError
from netbench.hdr import DIGITS, HIGHEST, LOWEST
from netbench.metrics import HistogramData

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netbench.metrics import Unit

__all__ = ("BaseUnit", "Histogram")

#: The units in which a histogram answers.
BaseUnit: TypeAlias = Literal["s", "bit/s", "byte"]

_BASE_UNITS: dict[str, BaseUnit] = {"ns": "s", "bit/s": "bit/s", "byte": "byte"}
_NS_PER_S = 1_000_000_000
_TEXT_HEADER_BYTES = 8
_HEADER = struct.Struct(">IIIIQQd")


@attrs.frozen
class _Buckets:
    """The recorded values by bucket, ascending, in counts of the unit as it travels.

    Attributes:
        lows: The least value of each bucket that is not empty.
        highs: The greatest.
        ranks: How many values there are up to the end of each bucket.
    """

    lows: tuple[int, ...]
    highs: tuple[int, ...]
    ranks: tuple[int, ...]

    def counts(self) -> Iterator[int]:
        """Give the number of values in each bucket."""
        before = 0
        for rank in self.ranks:
            yield rank - before
            before = rank


class Histogram:
    """Values of one unit with three significant digits, and their exact count, sum, least and greatest.

    ``send_lateness`` keeps two digits: its values are up to 0.5 % or 4 ns off. So may be the delays and the response
    times of a pair with so many values, so widely spread, that three digits would take more than 1.5 KB.

    Never changes. All figures are in the base unit that :attr:`unit` names: seconds, bit/s or bytes.
    """

    __slots__ = ("_buckets", "_data", "_scale")

    def __init__(self, data: HistogramData) -> None:
        self._data = data
        self._scale = _NS_PER_S if data.unit == "ns" else 1
        self._buckets: _Buckets | None = None

    @classmethod
    def from_data(cls, data: HistogramData) -> Histogram:
        """Take a histogram as it travelled. Its text is read when a percentile is first asked for."""
        return cls(data)

    @classmethod
    def of(cls, values: Iterable[int], unit: Unit) -> Histogram:
        """Make a histogram of values of one's own, such as those of another tool.

        An array of numpy (or what turns into one, such as a column of pandas) is counted by numpy, 1,000,000 values in
        some milliseconds. Anything else that yields whole numbers is counted in Python, in a tenth of a second; the
        result is the same, byte for byte.

        Args:
            values: Whole numbers, of which some may be negative.
            unit: What one of them means: ``"ns"``, ``"bit/s"`` or ``"byte"``.

        Raises:
            InvalidArgumentError: A value is no whole number or beyond +-2**50, or the unit is none of these.
        """
        if unit not in _BASE_UNITS:
            raise InvalidArgumentError("Histogram.of(unit)", unit, "'ns', 'bit/s' or 'byte'")
        try:
            return cls(histogram_of(values, unit))
        except (OverflowError, TypeError) as error:
            expected = "whole numbers from -2**50 to 2**50"
            raise InvalidArgumentError("Histogram.of(values)", str(error), expected) from error

    @classmethod
    def merged(cls, histograms: Iterable[Histogram]) -> Histogram:
        """Put the values of several histograms together, exactly as if one had recorded them all.

        Raises:
            InvalidArgumentError: There is none, or they differ in their unit.
            ResultFormatError: One of them is damaged.
        """
        parts = [histogram.to_data() for histogram in histograms]
        units = {part.unit for part in parts}
        if len(units) != 1:
            raise InvalidArgumentError("Histogram.merged(histograms)", sorted(units), "histograms of one unit")
        if len(parts) == 1:
            return cls(parts[0])
        negatives = [part.negative for part in parts if part.negative is not None]
        minimums = [part.minimum for part in parts if part.minimum is not None]
        maximums = [part.maximum for part in parts if part.maximum is not None]
        return cls(
            HistogramData(
                unit=parts[0].unit,
                count=sum(part.count for part in parts),
                total=sum(part.total for part in parts),
                minimum=min(minimums, default=None),
                maximum=max(maximums, default=None),
                positive=_merged_text(part.positive for part in parts),
                negative=_merged_text(negatives) if negatives else None,
            )
        )

    def merge(self, others: Iterable[Histogram]) -> Histogram:
        """Put these values and those of others together, into a new histogram; see :meth:`merged`."""
        return Histogram.merged((self, *others))

    def to_data(self) -> HistogramData:
        """Give the histogram as it travels."""
        return self._data

    @property
    def unit(self) -> BaseUnit:
        """The unit of all figures: ``s``, ``bit/s`` or ``byte``."""
        return _BASE_UNITS[self._data.unit]

    @property
    def count(self) -> int:
        """How many values were recorded, exactly."""
        return self._data.count

    @property
    def is_empty(self) -> bool:
        """Whether no value was recorded; then every figure but the count raises MissingValueError."""
        return self._data.count == 0

    @property
    def minimum(self) -> float:
        """The least value, exactly.

        Raises:
            MissingValueError: The histogram is empty.
        """
        return self._bounds()[0] / self._scale

    @property
    def maximum(self) -> float:
        """The greatest value, exactly.

        Raises:
            MissingValueError: The histogram is empty.
        """
        return self._bounds()[1] / self._scale

    @property
    def mean(self) -> float:
        """The arithmetic mean, exactly: sum over count.

        Raises:
            MissingValueError: The histogram is empty.
        """
        self._bounds()
        return self._data.total / self._data.count / self._scale

    def stddev(self) -> float:
        """Give the standard deviation of the values as a population; each counts as its bucket's middle.

        Raises:
            MissingValueError: The histogram is empty.
            ResultFormatError: Its text is damaged.
        """
        least, greatest = self._bounds()
        if least == greatest:
            return 0.0
        buckets = self._read()
        mean = self._data.total / self._data.count
        squares = math.fsum(
            count * ((low + high) / 2 - mean) ** 2
            for low, high, count in zip(buckets.lows, buckets.highs, buckets.counts(), strict=True)
        )
        return math.sqrt(squares / self._data.count) / self._scale

    def percentile(self, percent: float) -> float:
        """Give the value that this share of all values does not exceed.

        That is the value of rank ``ceil(percent / 100 * count)`` in ascending order (nearest rank), negative values
        below positive ones. As in all HDR histograms it stands for its bucket's greatest value, so it is up to 0.1 % of
        its magnitude too high (with two digits up to 0.5 % off); it is never beyond :attr:`maximum`, and 0 gives
        :attr:`minimum`.

        Args:
            percent: From 0 to 100, such as 99.9.

        Raises:
            InvalidArgumentError: ``percent`` is not from 0 to 100.
            MissingValueError: The histogram is empty.
            ResultFormatError: Its text is damaged.
        """
        given: object = percent
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        if not is_number or not 0 <= percent <= 100:  # noqa: PLR2004 - percent
            raise InvalidArgumentError("percentile(percent)", percent, "a number from 0 to 100")
        least, greatest = self._bounds()
        if percent == 0:
            return least / self._scale
        # Through its decimal digits: as a binary fraction, 99.9 % of 1,000 would be a little more than 999.
        rank = math.ceil(Fraction(repr(float(percent))) * self._data.count / 100)
        buckets = self._read()
        value = buckets.highs[bisect_left(buckets.ranks, rank)]
        return min(max(value, least), greatest) / self._scale

    def percentiles(self, percents: Iterable[float]) -> dict[float, float]:
        """Give several percentiles at once, by their percent; see :meth:`percentile` for the errors."""
        return {percent: self.percentile(percent) for percent in percents}

    def values(self) -> Iterator[tuple[float, int]]:
        """Iterate over the buckets that hold anything, ascending: each one's value, and how many it holds.

        The value is what :meth:`percentile` would give. An empty histogram yields nothing.

        Raises:
            ResultFormatError: The histogram's text is damaged.
        """
        if self.is_empty:
            return
        least, greatest = self._bounds()
        buckets = self._read()
        for high, count in zip(buckets.highs, buckets.counts(), strict=True):
            yield min(max(high, least), greatest) / self._scale, count

    def __eq__(self, other: object) -> bool:
        """Compare everything that was recorded."""
        return self._data == other._data if isinstance(other, Histogram) else NotImplemented

    def __hash__(self) -> int:
        """Hash what was recorded."""
        return hash(self._data)

    def __repr__(self) -> str:
        """Say how many values there are, and three figures of them."""
        if self.is_empty:
            return f"<Histogram in {self.unit}, empty>"
        p50, p99 = self.percentile(50), self.percentile(99)
        return f"<Histogram in {self.unit}, count={self.count}, mean={self.mean:.4g}, p50={p50:.4g}, p99={p99:.4g}>"

    def _bounds(self) -> tuple[int, int]:
        if self._data.count == 0 or self._data.minimum is None or self._data.maximum is None:
            msg = (
                f"this histogram in {self.unit} is empty: nothing was measured, so it has no percentile, mean or bound"
            )
            raise MissingValueError(msg)
        return self._data.minimum, self._data.maximum

    def _read(self) -> _Buckets:
        """Read the text, once."""
        if self._buckets is None:
            self._buckets = _buckets(self._data)
        return self._buckets


def _buckets(data: HistogramData) -> _Buckets:
    positive = _filled(_decoded(data.positive))
    lows = [low for low, _, _ in positive]
    highs = [high for _, high, _ in positive]
    counts = [count for _, _, count in positive]
    if data.negative is not None:
        negative = _filled(_decoded(data.negative))[::-1]
        lows = [-high for _, high, _ in negative] + lows
        highs = [-low for low, _, _ in negative] + highs
        counts = [count for _, _, count in negative] + counts
    ranks = tuple(accumulate(counts))
    held = ranks[-1] if ranks else 0
    if held != data.count:
        msg = f"a histogram is damaged: it says {data.count} values and holds {held}"
        raise ResultFormatError(msg)
    return _Buckets(lows=tuple(lows), highs=tuple(highs), ranks=ranks)


def _filled(histogram: Any) -> list[tuple[int, int, int]]:  # noqa: ANN401 - hdrh has no types
    """List least value, greatest value and count of each bucket that holds anything.

    hdrh's own iterators take 35 ms for this; a look at the array as a whole, up to the last bucket used, takes less
    than 1.
    """
    filled: list[tuple[int, int, int]] = []
    end = histogram.get_counts_array_index(histogram.max_value) + 1
    for index, count in enumerate(memoryview(histogram.counts).cast("B").cast("Q")[:end].tolist()):
        if count:
            low = histogram.get_value_from_index(index)
            filled.append((low, histogram.get_highest_equivalent_value(low), count))
    return filled


def _merged_text(texts: Iterable[str]) -> str:
    from hdrh.histogram import HdrHistogram

    into: Any = HdrHistogram(LOWEST, HIGHEST, DIGITS)
    for text in texts:
        into.add(_decoded(text))
    encoded: bytes = into.encode()
    return encoded.decode("ascii")


def _decoded(text: str) -> Any:  # noqa: ANN401 - hdrh has no types
    """Read one text in the compressed V2 form.

    Raises:
        ResultFormatError: It is not one, or not of netbench's configuration.
    """
    from hdrh.codec import HdrCookieException, HdrLengthException
    from hdrh.histogram import HdrHistogram

    try:
        # Looked at before hdrh does: it makes an array as large as the header asks for.
        _check_configuration(base64.b64decode(text, validate=True))
        decoded = HdrHistogram.decode(text)
    except (
        ValueError,
        TypeError,
        IndexError,
        zlib.error,
        struct.error,
        HdrCookieException,
        HdrLengthException,
    ) as error:
        msg = f"a histogram is damaged: {text[:24]!r}... is not an HDR histogram in the compressed V2 form ({error!r})"
        raise ResultFormatError(msg) from error
    # They hold each other. Thousands, of 330 KiB each, would wait for Python to look for such cycles.
    del decoded.encoder.histogram
    return decoded


def _check_configuration(encoded: bytes) -> None:
    header = zlib.decompressobj().decompress(encoded[_TEXT_HEADER_BYTES:], _HEADER.size)
    _, _, _, digits, lowest, highest, _ = _HEADER.unpack(header)
    if (digits, lowest, highest) != (DIGITS, LOWEST, HIGHEST):
        ours = f"{LOWEST} to {HIGHEST} with {DIGITS}"
        msg = f"it holds {lowest} to {highest} with {digits} digits, where netbench's hold {ours}"
        raise ValueError(msg)
