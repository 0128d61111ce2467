"""Go's values in Python: what a template computes with.

Strings are ``bytes``, as in Go, where their length and order are those of bytes. An ``int`` is Go's int, a ``float``
its float64, a ``dict`` its ``map[string]interface{}``; the classes here are what Python has no type for.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

__all__ = ("Int", "Int64", "Missing", "Sequence", "Uint8", "Value", "from_python", "is_true", "type_name")


class Int(int):
    """Go's int, of a number that does not come from YAML."""


class Int64(int):
    """Go's int64: an integer from the environment."""


class Uint8(int):
    """Go's uint8: one byte of a string."""


@attrs.frozen
class Missing:
    """What a variable is that does not exist: no value at all, in Go the text ``<no value>``.

    Attributes:
        name: What was asked for, as it is written.
        known: The names that exist in its place.
    """

    name: str
    known: tuple[str, ...] = ()


@attrs.frozen
class Sequence:
    """Go's slice.

    Attributes:
        items: What is in it.
        element: Go's name of its elements' type.
    """

    items: tuple[Value, ...]
    element: str = "interface {}"


Value: TypeAlias = bool | int | float | bytes | dict[bytes, "Value"] | Sequence | Missing | None


def from_python(value: object) -> Value:
    """Make Go's value of one that came from YAML: every number is a float64, as JSON's are in Go.

    Raises:
        TypeError: It is nothing that YAML holds.
    """
    if value is None or isinstance(value, bool | float | Int | Int64 | Missing):
        return value
    if isinstance(value, int):
        return float(value)
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, dict):
        return {str(key).encode("utf-8", "surrogateescape"): from_python(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return Sequence(tuple(from_python(each) for each in value))
    raise TypeError(type(value).__name__)


def type_name(value: Value) -> str:
    """Give Go's name of a value's type."""
    match value:
        case None | Missing():
            return "<nil>"
        case bool():
            return "bool"
        case Int64():
            return "int64"
        case Uint8():
            return "uint8"
        case int():
            return "int"
        case float():
            return "float64"
        case bytes():
            return "string"
        case dict():
            return "map[string]interface {}"
        case Sequence():
            return f"[]{value.element}"


def is_true(value: Value) -> bool:
    """Whether it counts as true: not the zero of its type."""
    if isinstance(value, Missing):
        return False
    if isinstance(value, Sequence):
        return bool(value.items)
    return bool(value)
