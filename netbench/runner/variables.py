"""What templates call by ``.NAME``: from override files, the environment and the command line, each with its source."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from netbench.runner.documents import Item, read_document
from netbench.runner.places import Place, Problems, TextPlaces
from netbench.runner.sources import find_file, read_text
from netbench.runner.template import Int, Int64
from netbench.runner.template.literals import parse_float, parse_int

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ("Variable", "assigned_variables", "environment_variables", "join", "number_of_nodes", "override_variables")

_PREFIX = "CL2_"
_BOOLS = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


@attrs.frozen
class Variable:
    """A variable's value, and where it was set, in words and as a place."""

    value: object
    source: str
    place: Place | None = None


def override_variables(
    names: Sequence[tuple[str, Item | None]], beside: Path | None, problems: Problems
) -> dict[str, Variable]:
    """Read override files; what a later one says stands.

    Args:
        names: The files, each with the item of a suite that names it.
        beside: The suite.
        problems: Where problems are noted.
    """
    variables: dict[str, Variable] = {}
    for name, item in names:
        path = find_file(name, beside)
        text = read_text(path, problems, item.place if item else None, item.where if item else "")
        if text is not None:
            variables |= _overrides(str(path), text, problems)
    return variables


def _overrides(path: str, text: str, problems: Problems) -> dict[str, Variable]:
    places = TextPlaces(path, text)
    document = read_document(text, lambda line, column: places.at(places.offset(line, column)), problems)
    if document is None:
        return {}
    if document.kind not in {"map", "null"}:
        problems.add(f"an override file is a mapping from names to values, not {document.described()}", document.place)
        return {}
    found: dict[str, Variable] = {}
    for entry in document.entries():
        if _has_number_that_is_none(entry.item):
            problems.add("no number: infinity and NaN cannot be used", entry.item.place, entry.name)
        found[entry.name] = Variable(entry.item.plain(), f"{path}:{entry.place.line}", entry.place)
    return found


def _has_number_that_is_none(item: Item) -> bool:
    inner = [*item.items(), *(entry.item for entry in item.entries())]
    return (isinstance(item.value, float) and not math.isfinite(item.value)) or any(
        map(_has_number_that_is_none, inner)
    )


def environment_variables(environment: Mapping[str, str]) -> dict[str, Variable]:
    """Take what begins with ``CL2_``, typed as ClusterLoader2 does it."""
    return {
        name: Variable(_typed(text), f"the environment's {name}")
        for name, text in environment.items()
        if name.startswith(_PREFIX)
    }


def assigned_variables(assignments: Sequence[str], problems: Problems) -> dict[str, Variable]:
    """Take ``NAME=VALUE`` of the command line, typed as the environment's."""
    variables: dict[str, Variable] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name.isidentifier():
            problems.add(f"--set takes NAME=VALUE, not {assignment!r}")
        else:
            variables[name] = Variable(_typed(text), f"--set {assignment}")
    return variables


def number_of_nodes(count: int | None) -> dict[str, Variable]:
    """Give the variable ``Nodes`` where the number of nodes is known."""
    return {} if count is None else {"Nodes": Variable(Int(count), "the number of nodes")}


def join(
    overrides: Mapping[str, Variable],
    environment: Mapping[str, Variable],
    assigned: Mapping[str, Variable],
    problems: Problems,
) -> dict[str, Variable]:
    """Put variables together: what the command line sets stands, and files and environment must not contradict."""
    joined = dict(overrides)
    for name, variable in environment.items():
        before = joined.setdefault(name, variable)
        if name not in assigned and not _equal(before.value, variable.value):
            problems.add(
                f"{name} is {_shown(before.value)} here and {_shown(variable.value)} in {variable.source}: "
                "give it in one place, or both the same",
                before.place,
            )
    return joined | dict(assigned)


def _equal(one: object, other: object) -> bool:
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    return one == other or str(one) == str(other)


def _shown(value: object) -> str:
    return repr(str(value)) if isinstance(value, str) else str(value)


def _typed(text: str) -> object:
    integer = parse_int(text)
    if integer is not None:
        return Int64(integer)
    number = parse_float(text)
    if number is not None and math.isfinite(number):
        return number
    return _BOOLS.get(text, text)
