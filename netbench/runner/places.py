"""From offsets in texts to places that people find: file, line and column."""

from __future__ import annotations

from bisect import bisect_right

import attrs

from netbench.errors import PlanError
from netbench.problem import Problem

__all__ = ("Place", "Problems", "TextPlaces")


@attrs.frozen(kw_only=True)
class Place:
    """A place in a file; line and column count from 1."""

    path: str | None
    line: int | None = None
    column: int | None = None


class TextPlaces:
    """The lines of a text."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._starts = [0, *(index + 1 for index, character in enumerate(text) if character == "\n")]

    def at(self, offset: int) -> Place:
        """Give the place of a character."""
        line = bisect_right(self._starts, offset)
        return Place(path=self._path, line=line, column=offset - self._starts[line - 1] + 1)

    def offset(self, line: int, column: int) -> int:
        """Give the offset of a character by its line and column, both from 0."""
        return self._starts[min(line, len(self._starts) - 1)] + column


class Problems:
    """Collects what is wrong, so that all of it is said at once."""

    #: More than these help nobody.
    _MAX = 100

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def add(self, message: str, place: Place | None = None, where: str = "") -> None:
        """Note a problem."""
        place = place or Place(path=None)
        problem = Problem(message=message, path=place.path, line=place.line, column=place.column, where=where)
        if problem not in self._problems and len(self._problems) < self._MAX:
            self._problems.append(problem)

    def extend(self, other: Problems) -> None:
        """Note what others noted."""
        self._problems.extend(other._problems[: self._MAX - len(self._problems)])

    def __bool__(self) -> bool:
        return bool(self._problems)

    def __len__(self) -> int:
        return len(self._problems)

    def raise_any(self) -> None:
        """Do nothing where nothing is wrong.

        Raises:
            PlanError: Something is.
        """
        if self._problems:
            raise PlanError(self._problems)
