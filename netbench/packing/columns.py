"""Columns of whole numbers that lie about a line, each in as many bits as it is away from it.

An instant that was late by some microseconds, or an amount that differs by some datagrams from the next, takes the bits
of that difference.
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
    writer.rice(folded)


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
    folded = reader.rice(count)
    return Integers(at + unit * signed(number) for at, number in zip(line, folded, strict=True))
