"""Numbers as people read them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("Kind", "Scale", "quantity", "scale_for")

#: What a number is: bit/s, seconds, bytes, a share from 0 to 1, processor cores, events per second, or a mere count.
Kind: TypeAlias = Literal["bit/s", "s", "byte", "share", "cores", "per_s", "count"]


@attrs.frozen
class Scale:
    """How numbers of one kind are written.

    Attributes:
        unit: The unit to write behind or above them, empty for counts.
        factor: What one of that unit is in the base unit.
        digits: Significant digits; None for whole numbers.
    """

    unit: str
    factor: float
    digits: int | None

    def text(self, number: float) -> str:
        """Write a number in base units without its unit."""
        if self.digits is None:
            return f"{round(number):,}"
        scaled = number / self.factor
        if scaled == 0:
            return "0"
        decimals = max(0, self.digits - 1 - math.floor(math.log10(abs(scaled))))
        # Nobody reads more than this after the point; a number below it is told by its unit's next smaller sister.
        return f"{scaled:,.{min(decimals, self.digits)}f}"


_LADDERS: dict[Kind, tuple[Scale, ...]] = {
    "bit/s": tuple(
        Scale(unit, factor, 4) for unit, factor in (("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3), ("bit/s", 1.0))
    ),
    "s": tuple(Scale(unit, factor, 3) for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))),
    "byte": tuple(
        Scale(unit, factor, 3) for unit, factor in (("GiB", 2.0**30), ("MiB", 2.0**20), ("KiB", 2.0**10), ("B", 1.0))
    ),
    "share": (Scale("%", 0.01, 3),),
    "cores": (Scale("cores", 1.0, 3),),
    "per_s": (Scale("/s", 1.0, 4),),
    "count": (Scale("", 1.0, None),),
}


def scale_for(kind: Kind, numbers: Iterable[float]) -> Scale:
    """Choose the unit in which the middle one of these numbers is at least 1, for all numbers of a column."""
    ladder = _LADDERS[kind]
    magnitudes = sorted(abs(number) for number in numbers if number)
    if not magnitudes:
        return ladder[-1] if kind == "count" else ladder[len(ladder) // 2]
    middle = magnitudes[len(magnitudes) // 2]
    return next((scale for scale in ladder if middle >= scale.factor), ladder[-1])


def quantity(kind: Kind, number: float | None) -> str:
    """Write one number with its unit; None is said as such."""
    if number is None:
        return "not measured"
    scale = scale_for(kind, (number,))
    return f"{scale.text(number)} {scale.unit}".rstrip()
