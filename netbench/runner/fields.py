"""Reading the keys of a mapping: types, near misses, and every problem at its place."""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import attrs

from netbench.runner.durations import parse_duration_s
from netbench.runner.template.literals import parse_int

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from netbench.runner.documents import Item
    from netbench.runner.places import Problems

__all__ = ("Fields", "Key", "read_bool", "read_duration_s", "read_int", "read_number", "read_text", "suggestion")


@attrs.frozen
class Key:
    """A key that a mapping may have.

    Attributes:
        name: Its name.
        form: What its value is, for people.
        meaning: What it does.
        required: Whether it must be there.
        default: What it is without, for people.
        refused: Why it is refused, where it is known and yet not supported.
    """

    name: str
    form: str
    meaning: str
    required: bool = False
    default: str = ""
    refused: str = ""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Give the end of a message about an unknown name."""
    known = list(known)
    lowered = {each.lower(): each for each in known}
    close = get_close_matches(name.lower(), lowered, n=1, cutoff=0.75)
    if close:
        return f": did you mean {lowered[close[0]]}?"
    return f"; known are {', '.join(sorted(known))}"


class Fields:
    """The keys of one mapping of a document."""

    def __init__(self, item: Item, keys: Sequence[Key], problems: Problems, *, any_case: bool = False) -> None:
        self._item = item
        self._problems = problems
        self._fold: Callable[[str], str] = str.lower if any_case else str
        self._found: dict[str, Item] = {}
        self.good = self._check_kind(item)
        known = {self._fold(key.name): key for key in keys}
        for entry in item.entries():
            key = known.get(self._fold(entry.name))
            if key is None:
                shown = [each.name for each in keys if not each.refused]
                problems.add(f"unknown key {entry.name}{suggestion(entry.name, shown)}", entry.place, item.where)
            elif key.refused:
                problems.add(f"{entry.name} is not supported: {key.refused}", entry.place, item.where)
            elif key.name in self._found:
                problems.add(f"{entry.name} was given before, in other letters", entry.place, item.where)
            elif entry.item.kind != "null":
                self._found[key.name] = entry.item
        if self.good:
            for key in keys:
                if key.required and key.name not in self._found:
                    self.good = False
                    problems.add(f"{key.name} is missing: {key.form}", item.place, item.where)

    def _check_kind(self, item: Item) -> bool:
        if item.kind != "map":
            self._problems.add(f"a mapping was expected, not {item.described()}", item.place, item.where)
        return item.kind == "map"

    def item(self, name: str) -> Item | None:
        """Give a key's value; None where it is absent."""
        return self._found.get(name)

    def names(self) -> tuple[str, ...]:
        """Give the names of the keys that are there, in the keys' own spelling."""
        return tuple(self._found)

    def text(self, name: str, default: str | None = None) -> str | None:
        """Give a text."""
        item = self.item(name)
        return default if item is None else read_text(item, self._problems)

    def integer(self, name: str, *, at_least: int = 0, at_most: int | None = None) -> int | None:
        """Give a whole number."""
        item = self.item(name)
        return None if item is None else read_int(item, self._problems, at_least=at_least, at_most=at_most)

    def duration_s(self, name: str, *, above: float | None = None) -> float | None:
        """Give a duration in seconds."""
        item = self.item(name)
        return None if item is None else read_duration_s(item, self._problems, above=above)

    def number(self, name: str) -> float | None:
        """Give a number."""
        item = self.item(name)
        return None if item is None else read_number(item, self._problems)

    def boolean(self, name: str) -> bool | None:
        """Give a bool."""
        item = self.item(name)
        return None if item is None else read_bool(item, self._problems)

    def choice(self, name: str, choices: Sequence[str]) -> str | None:
        """Give one of some words, in whichever case it is written."""
        text = self.text(name)
        if text is None:
            return None
        for choice in choices:
            if choice.lower() == text.lower():
                return choice
        close = get_close_matches(text.lower(), [choice.lower() for choice in choices], n=1)
        hint = next((f": did you mean {choice}?" for choice in choices if close and choice.lower() == close[0]), "")
        self.wrong(name, f"{text!r} is none of {', '.join(choices)}{hint}")
        return None

    def texts(self, name: str) -> dict[str, str] | None:
        """Give a mapping from words to texts."""
        item = self.item(name)
        if item is None:
            return None
        if item.kind != "map":
            self._problems.add(f"a mapping was expected, not {item.described()}", item.place, item.where)
            return None
        values = {entry.name: read_text(entry.item, self._problems, numbers=True) for entry in item.entries()}
        return {key: value for key, value in values.items() if value is not None}

    def wrong(self, name: str, message: str) -> None:
        """Note a problem of a key's value."""
        item = self._found.get(name, self._item)
        self._problems.add(message, item.place, item.where)

    def plain(self, name: str) -> Any:  # noqa: ANN401 - whatever YAML holds
        """Give a value as it is, without looking at it."""
        item = self.item(name)
        return None if item is None else item.plain()


def read_text(item: Item, problems: Problems, *, numbers: bool = False) -> str | None:
    """Read a text; numbers are taken as they are written where that is asked for."""
    if item.kind == "str" and isinstance(item.value, str):
        if item.value.strip():
            return item.value
        problems.add("a text was expected, and this one is empty", item.place, item.where)
        return None
    if numbers and item.kind in {"int", "float"}:
        return item.text
    hint = f": write '{item.text}', with quotes" if item.kind in {"bool", "int", "float"} else ""
    problems.add(f"a text was expected, not {item.described()}{hint}", item.place, item.where)
    return None


def read_int(item: Item, problems: Problems, *, at_least: int = 0, at_most: int | None = None) -> int | None:
    """Read a whole number; one in quotes, or a float without a fraction, counts as one."""
    value = item.value
    number = parse_int(value) if isinstance(value, str) else None
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value == int(value):
        number = int(value)
    if number is None:
        problems.add(f"a whole number was expected, not {item.described()}", item.place, item.where)
    elif number < at_least or (at_most is not None and number > at_most):
        limit = f"at least {at_least}" if at_most is None else f"from {at_least} to {at_most}"
        problems.add(f"must be {limit}, not {number}", item.place, item.where)
    else:
        return number
    return None


def read_number(item: Item, problems: Problems) -> float | None:
    """Read a number."""
    value = item.value
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    problems.add(f"a number was expected, not {item.described()}", item.place, item.where)
    return None


def read_bool(item: Item, problems: Problems) -> bool | None:
    """Read a bool."""
    if isinstance(item.value, bool):
        return item.value
    problems.add(f"true or false was expected, not {item.described()}", item.place, item.where)
    return None


def read_duration_s(item: Item, problems: Problems, *, above: float | None = None) -> float | None:
    """Read a duration such as ``1m30s``, in seconds."""
    if isinstance(item.value, int | float) and not isinstance(item.value, bool):
        problems.add(f"a duration needs a unit: {item.text}s, or {item.text}ms", item.place, item.where)
        return None
    duration_s = parse_duration_s(item.value) if isinstance(item.value, str) else None
    if duration_s is None:
        problems.add(
            f"a duration such as 10s, 1m30s or 500ms was expected, not {item.described()}", item.place, item.where
        )
    elif duration_s < 0 or (above is not None and duration_s <= above):
        problems.add(f"must be longer than {above or 0:g}s, not {item.text}", item.place, item.where)
        return None
    return duration_s
