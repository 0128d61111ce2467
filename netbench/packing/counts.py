"""A histogram's counts in about as many bits as they hold information.

The buckets are halved again and again, and of each part that holds n values it is written how many are in its lower
half. Neighbouring buckets hold about as much as each other, so these are binomially distributed about n / 2: the
distance is of the order of the root of n, and an empty part takes nothing. That is within 5 % of the information in
counts that scatter as they do (Poisson) about a smooth density; deflate takes 1.3 to 1.5 times as much.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from netbench.packing.stream import signed, zigzag

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from netbench.packing.stream import Reader, Writer

__all__ = ("read_counts", "write_counts")

#: Parts of more than one octave have 2**11 buckets or more. Nothing is known about how they compare.
_OCTAVE_LEVEL = 10
#: All buckets of netbench's histograms are below 2**16.
_LEVELS = 16


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
        below = levels[level - 1 - lowest]
        parts = [(count, below.get(2 * place, 0)) for place, count in levels[level - lowest].items()]
        if level > _OCTAVE_LEVEL:
            for _, lower in parts:
                writer.number(lower)
        else:
            _write_halves(writer, parts)


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
        if level > _OCTAVE_LEVEL:
            lowers = [reader.number() for _ in parts]
        else:
            lowers = _read_halves(reader, list(parts.values()))
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


def _write_halves(writer: Writer, parts: list[tuple[int, int]]) -> None:
    by_width: dict[int, list[int]] = {}
    quotients: list[int] = []
    for count, lower in parts:
        folded = zigzag((count >> 1) - lower)
        width = _width(count)
        if count > 1:
            quotients.append(folded >> width)
        by_width.setdefault(width, []).append(folded & ((1 << width) - 1))
    writer.quotients(quotients)
    for width in sorted(by_width):
        writer.remainders(by_width[width], width)


def _read_halves(reader: Reader, counts: list[int]) -> list[int]:
    widths = [_width(count) for count in counts]
    quotients = iter(reader.quotients(len(counts) - counts.count(1)))
    remainders = {width: iter(reader.remainders(widths.count(width), width)) for width in sorted(set(widths))}
    return [
        (count >> 1) - signed((next(quotients) << width if count > 1 else 0) | next(remainders[width]))
        for count, width in zip(counts, widths, strict=True)
    ]


@lru_cache(maxsize=4096)
def _width(count: int) -> int:
    """Give the lower bits to keep of the folded distance, whose mean is 0.8 times the root of the count."""
    # One value is in the lower half or not: one bit, and nothing above it.
    return 1 if count == 1 else max(0, ((16 * count // 25).bit_length() - 1) // 2)
