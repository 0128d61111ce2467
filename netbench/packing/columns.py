"""Columns of whole numbers that lie about a line, each in as many bits as it is away from it.

The distances are Rice-coded (Rice and Plaunt, 1971): the lower bits as they are, and above them a number that is small
for most. An instant that was late by some microseconds, or an amount that differs by some datagrams from the next,
takes the bits of that difference.
"""

from __future__ import annotations

import math
from itertools import accumulate, pairwise
from statistics import median_low
from typing import TYPE_CHECKING

from netbench.integers import Integers
from netbench.metrics import IntervalSeries
from netbench.packing.stream import signed, zigzag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netbench.packing.stream import Reader, Writer

__all__ = ("read_series", "typical_length", "write_series")

#: More values than a series can have: two bytes of damage must not make the reader fill the memory.
_COUNT_MAX = 2**24


def write_series(writer: Writer, series: IntervalSeries) -> None:
    """Write a series: how late each interval ended, and how much its amount differs from the usual one."""
    slope = min(_slopes(typical_length(series)), key=lambda slope: _scatter(series.ends_ns, slope))
    _write_column(writer, series.ends_ns, slope)
    _write_column(writer, series.amounts, 0)


def read_series(reader: Reader) -> IntervalSeries:
    """Read it.

    Raises:
        ValueError: The stream holds something else.
        IndexError: It ends before.
    """
    ends, amounts = _read_column(reader), _read_column(reader)
    return IntervalSeries(ends_ns=ends, amounts=amounts)


def typical_length(series: IntervalSeries) -> int:
    """Give the length of an interval such as half of them have at least; 0 where there is none."""
    lengths = [end - begin for begin, end in pairwise((0, *series.ends_ns))]
    return max(0, median_low(lengths)) if lengths else 0


def _slopes(length: int) -> set[int]:
    """Give what the asked length may have been: the usual length, or a rounder number."""
    digits = len(str(length))
    return {round(length, places - digits) for places in (1, 2, 3)} | {length}


def _scatter(values: Sequence[int], slope: int) -> int:
    """Give how many bits the distances from a line take, about."""
    distances = [value - place * slope for place, value in enumerate(values, 1)]
    base = median_low(distances) if distances else 0
    return sum((distance - base).bit_length() for distance in distances)


def _write_column(writer: Writer, values: Sequence[int], slope: int) -> None:
    distances = [value - place * slope for place, value in enumerate(values, 1)]
    base = median_low(distances) if distances else 0
    unit = math.gcd(*(distance - base for distance in distances))
    writer.number(len(values))
    writer.number(slope)
    writer.number(zigzag(base))
    writer.number(unit)
    if not unit:
        return
    folded = [zigzag((distance - base) // unit) for distance in distances]
    # The best width is that of the mean, or a little less where few are far away.
    most = (sum(folded) // len(folded)).bit_length()
    width = min(range(max(0, most - 5), most + 1), key=lambda width: _size(folded, width))
    writer.number(width)
    writer.quotients([value >> width for value in folded])
    mask = (1 << width) - 1
    writer.remainders([value & mask for value in folded], width)


def _size(folded: Sequence[int], width: int) -> int:
    """Give how many bits these numbers take with so many lower bits each."""
    return len(folded) * width + sum([value >> width for value in folded])


def _read_column(reader: Reader) -> Integers:
    count, slope, base, unit = reader.number(), reader.number(), signed(reader.number()), reader.number()
    if count > _COUNT_MAX:
        msg = f"{count} intervals are announced"
        raise ValueError(msg)
    if not count:
        return Integers()
    line = accumulate([slope] * (count - 1), initial=base + slope)
    if not unit:
        return Integers(line)
    width = reader.number()
    quotients = reader.quotients(count)
    remainders = reader.remainders(count, width)
    folded = map(int.__or__, (quotient << width for quotient in quotients), remainders)
    return Integers(at + unit * signed(number) for at, number in zip(line, folded, strict=True))
