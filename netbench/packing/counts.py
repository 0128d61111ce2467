"""A histogram's counts in about as many bits as they hold information.

The buckets are halved again and again, and of each part that holds n values it is written how many are in its lower
half. How many that should be follows from the parts beside it, as if the density grew or fell in a straight line over
the three; the real number is binomially distributed about it. The distance is then of the order of the root of n, and
an empty part takes nothing. Where counts scatter by chance (Poisson) about a smooth density, that is within 10 % of the
information in them. Parts of about as many values are written together, in the width that suits them: real densities
are less smooth than that, such as those of a clock whose steps are about as wide as a bucket.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from netbench.packing.stream import signed, zigzag

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from netbench.packing.stream import Reader, Writer

__all__ = ("read_counts", "write_counts")

#: Parts of more than one octave have 2**11 buckets or more. Nothing is known about how they compare.
_OCTAVE_LEVEL = 10
#: All buckets of netbench's histograms are below 2**16.
_LEVELS = 16
#: The kind of part that holds one value.
_SINGLE = 0


def write_counts(writer: Writer, buckets: Mapping[int, int]) -> None:
    """Write how many values each bucket holds, of those that hold any."""
    writer.number(sum(buckets.values()))
    if not buckets:
        return
    lowest, low_bits = _alike(buckets)
    writer.number(lowest)
    writer.number(low_bits)
    levels: list[dict[int, int]] = [{place >> lowest: count for place, count in sorted(buckets.items())}]
    for _ in range(lowest, _LEVELS):
        above: dict[int, int] = {}
        for place, count in levels[-1].items():
            above[place >> 1] = above.get(place >> 1, 0) + count
        levels.append(above)
    for level in range(_LEVELS, lowest, -1):
        parts, below = levels[level - lowest], levels[level - 1 - lowest]
        lowers = [below.get(2 * place, 0) for place in parts]
        if level > _OCTAVE_LEVEL:
            for lower in lowers:
                writer.number(lower)
        else:
            _write_halves(writer, parts, lowers)


def read_counts(reader: Reader) -> dict[int, int]:
    """Read it.

    Raises:
        ValueError: The stream holds something else.
        IndexError: It ends before.
    """
    count = reader.number()
    if not count:
        return {}
    lowest, low_bits = reader.number(), reader.number()
    if lowest > _LEVELS or low_bits >> lowest:
        msg = f"buckets are said to be alike in {lowest} bits, {low_bits}"
        raise ValueError(msg)
    parts = {0: count}
    for level in range(_LEVELS, lowest, -1):
        lowers = [reader.number() for _ in parts] if level > _OCTAVE_LEVEL else _read_halves(reader, parts)
        below: dict[int, int] = {}
        for (place, count), lower in zip(parts.items(), lowers, strict=True):
            if not 0 <= lower <= count:
                msg = f"{lower} of {count} values are said to be in one half"
                raise ValueError(msg)
            if lower:
                below[2 * place] = lower
            if lower < count:
                below[2 * place + 1] = count - lower
        parts = below
    return {place << lowest | low_bits: count for place, count in parts.items()}


def _alike(places: Collection[int]) -> tuple[int, int]:
    """Give how many of their lower bits are the same in all of them, and what they are."""
    first = next(iter(places))
    different = 0
    for place in places:
        different |= place ^ first
    alike = (different & -different).bit_length() - 1 if different else _LEVELS
    return alike, first & ((1 << alike) - 1)


def _write_halves(writer: Writer, parts: Mapping[int, int], lowers: Iterable[int]) -> None:
    by_kind: dict[int, list[int]] = {}
    for count, expected, lower in zip(parts.values(), _expected(parts), lowers, strict=True):
        by_kind.setdefault(_kind(count), []).append(lower if count == 1 else zigzag(expected - lower))
    for kind, distances in sorted(by_kind.items()):
        if kind == _SINGLE:
            writer.remainders(distances, 1)
        else:
            writer.rice(distances)


def _read_halves(reader: Reader, parts: Mapping[int, int]) -> list[int]:
    kinds = [_kind(count) for count in parts.values()]
    by_kind: dict[int, Iterator[int]] = {}
    for kind, number in sorted(Counter(kinds).items()):
        by_kind[kind] = iter(reader.remainders(number, 1) if kind == _SINGLE else reader.rice(number))
    return [
        next(by_kind[kind]) if kind == _SINGLE else expected - signed(next(by_kind[kind]))
        for kind, expected in zip(kinds, _expected(parts), strict=True)
    ]


def _expected(parts: Mapping[int, int]) -> list[int]:
    """Give how many values should be in the lower half of each part."""
    # With densities d - s, d and d + s a bucket in three parts of two, the first of the middle's has d - s / 4.
    beside = parts.get
    return [
        min(max((8 * count + beside(place - 1, 0) - beside(place + 1, 0)) >> 4, 0), count)
        for place, count in parts.items()
    ]


def _kind(count: int) -> int:
    """Sort parts by what a distance is like; one value is in the lower half or not, which is a bit."""
    return count.bit_length() // 2
