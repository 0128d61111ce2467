"""YAML as values that know their place, with YAML 1.1's traps sprung on purpose."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn, TypeAlias

import attrs
import yaml

from netbench.runner.yamltypes import resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netbench.runner.places import Place, Problems

__all__ = ("Entry", "Item", "Value", "read_document")

#: What no honest plan exceeds; aliases count as often as they are used.
_DEPTH_MAX, _ITEMS_MAX = 50, 100_000
#: What ``surrogateescape`` makes of bytes that are no UTF-8.
_STRAY = re.compile("[\udc80-\udcff]")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_KINDS = {"null": "nothing", "bool": "a bool", "int": "a number", "float": "a number", "str": "a text"}
_LOADER = getattr(yaml, "CLoader", yaml.Loader)

Value: TypeAlias = "bool | int | float | str | tuple[Item, ...] | tuple[Entry, ...] | None"


@attrs.frozen
class Item:
    """A value of a document.

    Attributes:
        value: A scalar's value, a list's items, or a mapping's entries.
        kind: ``null``, ``bool``, ``int``, ``float``, ``str``, ``list`` or ``map``.
        place: Where it is written.
        where: Where in the document it is, such as ``steps[0].Params``.
        text: A scalar as it is written, without quotes.
        size: How many values it holds, itself included.
    """

    value: Value
    kind: str
    place: Place
    where: str
    text: str = ""
    size: int = 1

    def items(self) -> tuple[Item, ...]:
        """Give a list's items; none for anything else."""
        return tuple(each for each in self.value if isinstance(each, Item)) if isinstance(self.value, tuple) else ()

    def entries(self) -> tuple[Entry, ...]:
        """Give a mapping's entries; none for anything else."""
        return tuple(each for each in self.value if isinstance(each, Entry)) if isinstance(self.value, tuple) else ()

    def plain(self) -> object:
        """Give the value as Python has it, without places."""
        if self.kind == "map":
            return {entry.name: entry.item.plain() for entry in self.entries()}
        if self.kind == "list":
            return [item.plain() for item in self.items()]
        return self.value

    def described(self) -> str:
        """Say what it is, for messages."""
        if self.kind in {"list", "map"}:
            return "a list" if self.kind == "list" else "a mapping"
        if self.kind == "null":
            return "nothing"
        shown = self.text if len(self.text) <= 60 else self.text[:60] + "..."  # noqa: PLR2004 - enough to find it
        return f"{_KINDS[self.kind]}, {shown!r}"


@attrs.frozen
class Entry:
    """A key of a mapping, and its value."""

    name: str
    place: Place
    item: Item


class _StopReadingError(Exception):
    """The document cannot be read on; the problem is noted."""


def read_document(text: str, locate: Callable[[int, int], Place], problems: Problems) -> Item | None:
    """Read a text that holds one YAML document.

    Args:
        text: The text; bytes that are no UTF-8 are surrogates, as ``surrogateescape`` makes them.
        locate: Gives the place of a line and column, both from 0.
        problems: Where problems are noted.

    Returns:
        The document; None where there is none, or it cannot be read.
    """
    stray = _STRAY.search(text)
    if stray is not None:
        offset = stray.start()
        byte = ord(stray[0]) - 0xDC00
        place = locate(text.count("\n", 0, offset), offset - text.rfind("\n", 0, offset) - 1)
        problems.add(f"this is no UTF-8: the byte {byte:#04x}", place)
        return None
    reader = _Reader(text, locate, problems)
    try:
        return reader.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = locate(0, 0) if mark is None else locate(mark.line, mark.column)
        problems.add(_syntax_words(error, text), place)
    except yaml.reader.ReaderError as error:
        line, column = text.count("\n", 0, error.position), error.position - text.rfind("\n", 0, error.position) - 1
        code = error.character
        problems.add(
            f"this character cannot stand in YAML: {code if isinstance(code, str) else chr(code)!r}",
            locate(line, column),
        )
    except _StopReadingError:
        pass
    return None


def _syntax_words(error: yaml.MarkedYAMLError, text: str) -> str:
    mark = error.problem_mark
    if mark is not None:
        lines = text.split("\n")
        line = lines[mark.line] if mark.line < len(lines) else ""
        if "\t" in line[: len(line) - len(line.lstrip())] or line[mark.column : mark.column + 1] == "\t":
            return "a tab: YAML is indented with spaces"
    problem = error.problem or "it cannot be read"
    context = f" {error.context}" if error.context else ""
    return f"no YAML: {problem}{context}"


class _Reader:
    def __init__(self, text: str, locate: Callable[[int, int], Place], problems: Problems) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
        self._locate = locate
        self._problems = problems
        self._anchors: dict[str, Item] = {}
        self._count = 0

    def document(self) -> Item | None:
        item: Item | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if item is not None:
                    self._stop("a second document: a file holds one", event)
                item = self._item(next(self._events), "", 0)
        return item

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        return self._locate(0, 0) if mark is None else self._locate(mark.line, mark.column)

    def _stop(self, message: str, event: yaml.Event, where: str = "") -> NoReturn:
        self._problems.add(message, self._place(event), where)
        raise _StopReadingError

    def _item(self, event: yaml.Event, where: str, depth: int) -> Item:
        if depth > _DEPTH_MAX:
            self._stop(f"nested more than {_DEPTH_MAX} deep", event)
        if isinstance(event, yaml.AliasEvent):
            item = self._alias(event, where)
        else:
            item = self._fresh(event, where, depth)
            anchor = getattr(event, "anchor", None)
            if anchor:
                self._anchors[anchor] = item
        self._count += item.size if isinstance(event, yaml.AliasEvent) else 1
        if self._count > _ITEMS_MAX:
            self._stop(f"more than {_ITEMS_MAX} values, its anchors written out", event)
        return item

    def _alias(self, event: yaml.AliasEvent, where: str) -> Item:
        item = self._anchors.get(event.anchor or "")
        if item is None:
            self._stop(f"there is no anchor &{event.anchor} before this", event, where)
        return item

    def _fresh(self, event: yaml.Event, where: str, depth: int) -> Item:
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            self._stop(f"tags such as {tag} are not supported", event, where)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(event, where, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(event, where, depth)
        assert isinstance(event, yaml.ScalarEvent)  # noqa: S101 - what else begins a value
        return self._scalar(event, where)

    def _sequence(self, start: yaml.Event, where: str, depth: int) -> Item:
        items: list[Item] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._item(event, f"{where}[{len(items)}]", depth + 1))
        return Item(tuple(items), "list", self._place(start), where, size=1 + sum(each.size for each in items))

    def _mapping(self, start: yaml.Event, where: str, depth: int) -> Item:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            name, place = self._key(event, where), self._place(event)
            inner = f"{where}.{name}" if where else name
            if name == "<<":
                self._problems.add("merge keys (<<) are not supported: write the keys out", place, where)
            if name in entries:
                before = entries[name].place
                self._problems.add(f"{name} was given before, in line {before.line}", place, inner)
            item = self._item(next(self._events), inner, depth + 1)
            entries.setdefault(name, Entry(name, place, item))
        size = 1 + sum(entry.item.size for entry in entries.values())
        return Item(tuple(entries.values()), "map", self._place(start), where, size=size)

    def _key(self, event: yaml.Event, where: str) -> str:
        if isinstance(event, yaml.AliasEvent):
            item = self._alias(event, where)
            return item.text
        if not isinstance(event, yaml.ScalarEvent):
            self._stop("a key must be a word", event, where)
        name: str = event.value
        if event.anchor:
            self._anchors[event.anchor] = Item(name, "str", self._place(event), where, name)
        if event.implicit[0] and isinstance(resolved(name), bool):
            self._problems.add(f"the key {name} is a bool in YAML: put it in quotes", self._place(event), where)
        return name

    def _scalar(self, event: yaml.ScalarEvent, where: str) -> Item:
        place, text = self._place(event), event.value
        if not event.implicit[0]:
            return Item(text, "str", place, where, text)
        value = resolved(text)
        if isinstance(value, int | float) and not isinstance(value, bool) and _LEADING_ZERO.fullmatch(text):
            decimal = int(text)
            words = f"{value:g}" if isinstance(value, float) else str(value)
            self._problems.add(
                f"{text} is {words} in YAML 1.1, whose numbers with a leading 0 are octal, and {decimal} elsewhere: "
                f"write {decimal}, or quotes around it",
                place,
                where,
            )
        return Item(value, _kind(value), place, where, text)


def _kind(value: object) -> str:
    return {"NoneType": "null"}.get(type(value).__name__, type(value).__name__)
