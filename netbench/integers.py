"""Many whole numbers in the room that they take."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import final, overload

__all__ = ("Integers",)


@final
class Integers(Sequence[int]):
    """Whole numbers that never change: read, compared and hashed like a tuple, in four or eight bytes each.

    A tuple takes forty, and a run of thousands of pairs holds millions of such numbers in the controller.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Iterable[int] = ()) -> None:
        if isinstance(values, Integers):
            values = values._values  # noqa: SLF001 - another one of these
        kept = tuple(values)
        self._values: array[int] | tuple[int, ...] = kept
        for typecode in ("i", "q"):
            try:
                self._values = array(typecode, kept)
            except OverflowError:
                continue  # Nothing that was measured is so large, but the type has no bound.
            return

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[int, ...]: ...
    def __getitem__(self, place: int | slice) -> int | tuple[int, ...]:
        if isinstance(place, slice):
            return tuple(self._values[place])
        return self._values[place]

    def __iter__(self) -> Iterator[int]:
        return iter(self._values)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Integers):
            other = other._values
        return tuple(self._values) == tuple(other) if isinstance(other, tuple | array) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self._values))

    def __repr__(self) -> str:
        return repr(tuple(self._values))
