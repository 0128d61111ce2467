"""Many values into a histogram at once, on the controller's side: with numpy where they are numpy's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netbench.hdr import HIGHEST, HistogramRecorder, histogram_data

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netbench.metrics import HistogramData, Unit

__all__ = ("histogram_of",)

#: So many doubles stay in a processor's cache.
_CHUNK = 65_536
#: What of a double's 64 bits does not tell the bucket, see :func:`netbench.hdr.histogram_data`.
_LOWER_BITS, _LOWER_BITS_OF_TOP = 42, 10
_SIGN = 1 << 31
#: Zero has an exponent far below that of 1. It is counted where the number just below 1 would be.
_ZERO = (0x3FF << 10) - 1
_SUM_SAFE = 2**63


def histogram_of(values: Iterable[int], unit: Unit) -> HistogramData:
    """Count whole numbers of this unit. Arrays of numpy, and what turns into one, never become Python's numbers.

    Raises:
        OverflowError: A value is beyond what a histogram holds.
        TypeError: A value is no whole number.
    """
    if hasattr(values, "__array__"):
        import numpy as np

        numbers = np.asarray(values)
        if numbers.dtype.kind in "iu" and numbers.size:
            return _histogram_of_array(numbers.reshape(-1), unit)
        if numbers.dtype.kind not in "iuO":
            msg = f"an array of {numbers.dtype} holds no whole numbers"
            raise TypeError(msg)
        values = numbers.reshape(-1).tolist()
    recorder = HistogramRecorder(unit)
    recorder.record_many(values)
    return recorder.data()


def _histogram_of_array(numbers: Any, unit: Unit) -> HistogramData:  # noqa: ANN401 - numpy's, which may not be there
    low, high = int(numbers.min()), int(numbers.max())
    if low < -HIGHEST or high > HIGHEST:
        beyond = high if high > HIGHEST else low
        msg = f"{beyond} {unit} is beyond what a histogram holds, +-{HIGHEST} {unit}"
        raise OverflowError(msg)
    tops = _count(numbers if low >= 0 else numbers[numbers >= 0], 0)
    if low < 0:
        tops.update(_count(-numbers[numbers < 0].astype("i8"), _SIGN))
    return histogram_data(unit, tops, total=_sum(numbers, max(-low, high)), minimum=low, maximum=high)


def _count(magnitudes: Any, sign: int) -> dict[int, int]:  # noqa: ANN401 - numpy's
    """Count numbers >= 0 by the upper half of each as a double."""
    import numpy as np

    if not magnitudes.size:
        return {}
    first, last = (int(np.float64(bound).view("u8")) >> _LOWER_BITS for bound in (magnitudes.min(), magnitudes.max()))
    if first == 0:
        first, last = _ZERO, max(_ZERO, last)
    counts = np.zeros(last - first + 1, "i8")
    for begin in range(0, magnitudes.size, _CHUNK):
        keys = magnitudes[begin : begin + _CHUNK].astype("f8").view("i8")
        keys >>= _LOWER_BITS
        np.maximum(keys, first, out=keys)
        keys -= first
        counts += np.bincount(keys, minlength=counts.size)
    (filled,) = counts.nonzero()
    keys_found = (0 if key == _ZERO else key for key in (filled + first).tolist())
    return {
        key << _LOWER_BITS_OF_TOP | sign: count for key, count in zip(keys_found, counts[filled].tolist(), strict=True)
    }


def _sum(numbers: Any, furthest: int) -> int:  # noqa: ANN401 - numpy's
    """Add up exactly: where 64 bits may not hold the sum, upper and lower halves by themselves."""
    if furthest * numbers.size < _SUM_SAFE:
        return int(numbers.sum(dtype="i8"))
    wide = numbers.astype("i8")
    return (int((wide >> 32).sum()) << 32) + int((wide & 0xFFFF_FFFF).sum())
