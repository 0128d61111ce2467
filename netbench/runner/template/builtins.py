"""The functions that every Go template has; ``and`` and ``or`` are the evaluator's, since they stop early."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from netbench.runner.template.calling import ANY, STRING, CallError, Function, require_size
from netbench.runner.template.formatting import printed, printed_line
from netbench.runner.template.printf import sprintf
from netbench.runner.template.values import Missing, Sequence, Uint8, Value, is_true, type_name

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("BUILTINS",)

_BAD_COMPARISON = "invalid type for comparison"
_HTML = {0: b"\xef\xbf\xbd", 34: b"&#34;", 38: b"&amp;", 39: b"&#39;", 60: b"&lt;", 62: b"&gt;"}
_SLICE_INDEXES_MAX = 3


def _kind(value: Value) -> str:
    """Give the kind that decides what can be compared with what; empty for what cannot."""
    match value:
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case bytes():
            return "string"
        case _:
            return ""


def _nothing(value: Value) -> bool:
    return value is None or isinstance(value, Missing)


def _equal(first: Value, *others: Value) -> bool:
    if not others:
        raise CallError("missing argument for comparison")
    return any(_equals(first, other) for other in others)


def _equals(one: Value, other: Value) -> bool:
    if _nothing(one) or _nothing(other):
        return _nothing(one) and _nothing(other)
    if _kind(one) != _kind(other):
        msg = f"incompatible types for comparison: {type_name(one)} and {type_name(other)}"
        raise CallError(msg)
    if not _kind(one):
        msg = f"non-comparable type {type_name(other)}"
        raise CallError(msg)
    return one == other


def _less(one: Value, other: Value) -> bool:
    if not _kind(one) or not _kind(other):
        raise CallError(_BAD_COMPARISON)
    if _kind(one) != _kind(other):
        msg = f"incompatible types for comparison: {type_name(one)} and {type_name(other)}"
        raise CallError(msg)
    if isinstance(one, bytes) and isinstance(other, bytes):
        return one < other
    if isinstance(one, int | float) and isinstance(other, int | float) and _kind(one) != "bool":
        return one < other
    raise CallError(_BAD_COMPARISON)


def _less_or_equal(one: Value, other: Value) -> bool:
    return _less(one, other) or _equal(one, other)


def _length(value: Value) -> int:
    match value:
        case bytes() | dict():
            return len(value)
        case Sequence():
            return len(value.items)
        case _:
            msg = f"len of type {type_name(value)}"
            raise CallError(msg)


def _position(index: Value, size: int) -> int:
    if isinstance(index, bool) or not isinstance(index, int):
        what = "nil" if _nothing(index) else f"type {type_name(index)}"
        msg = f"cannot index slice/array with {what}"
        raise CallError(msg)
    if not 0 <= index <= size:
        msg = f"index out of range: {index}"
        raise CallError(msg)
    return index


def _index(item: Value, *indexes: Value) -> Value:
    if _nothing(item):
        raise CallError("index of untyped nil")
    for index in indexes:
        match item:
            case bytes():
                position = _position(index, len(item))
                if position == len(item):
                    msg = f"index out of range: {position}"
                    raise CallError(msg)
                item = Uint8(item[position])
            case Sequence():
                position = _position(index, len(item.items))
                if position == len(item.items):
                    msg = f"index out of range: {position}"
                    raise CallError(msg)
                item = item.items[position]
            case dict():
                if not isinstance(index, bytes):
                    msg = f"value has type {type_name(index)}; should be string"
                    raise CallError(msg)
                name = index.decode("utf-8", "replace")
                item = item.get(index, Missing(name, tuple(key.decode("utf-8", "replace") for key in sorted(item))))
            case _:
                what = "index of nil pointer" if _nothing(item) else f"can't index item of type {type_name(item)}"
                raise CallError(what)
    return item


def _slice(item: Value, *indexes: Value) -> Value:
    if _nothing(item):
        raise CallError("slice of untyped nil")
    if len(indexes) > _SLICE_INDEXES_MAX:
        msg = f"too many slice indexes: {len(indexes)}"
        raise CallError(msg)
    if not isinstance(item, bytes | Sequence):
        msg = f"can't slice item of type {type_name(item)}"
        raise CallError(msg)
    if isinstance(item, bytes) and len(indexes) == _SLICE_INDEXES_MAX:
        raise CallError("cannot 3-index slice a string")
    size = _length(item)
    given = [_position(index, size) for index in indexes]
    first, last = [*given, *[0, size][len(given) :]][:2]
    limit = given[2] if len(given) == _SLICE_INDEXES_MAX else size
    for low, high in ((first, last), (last, limit)):
        if low > high:
            msg = f"invalid slice index: {low} > {high}"
            raise CallError(msg)
    if isinstance(item, bytes):
        return item[first:last]
    return Sequence(item.items[first:last], item.element)


def _printf(template: bytes, *values: Value) -> bytes:
    text = sprintf(template, values)
    require_size(len(text), "a text")
    return text


def _texts(values: tuple[Value, ...]) -> bytes:
    shown: list[Value] = [b"<no value>" if _nothing(value) else value for value in values]
    return shown[0] if len(shown) == 1 and isinstance(shown[0], bytes) else printed(shown)


def _html(*values: Value) -> bytes:
    return b"".join(_HTML.get(byte, bytes([byte])) for byte in _texts(values))


def _js(*values: Value) -> bytes:
    return "".join(map(_js_character, _texts(values).decode("utf-8", "replace"))).encode()


def _js_character(character: str) -> str:
    if character in "\\'\"":
        return "\\" + character
    if character in "<>&=" or character < " " or not (character.isprintable() or character == " "):
        return f"\\u{ord(character):04X}"
    return character


def _urlquery(*values: Value) -> bytes:
    return quote_plus(_texts(values), safe="").replace("%7E", "~").encode()


def _print(values: tuple[Value, ...], *, line: bool) -> bytes:
    listed = list(values)
    text = printed_line(listed) if line else printed(listed)
    require_size(len(text), "a text")
    return text


def _println(*values: Value) -> bytes:
    return _print(values, line=True)


def _print_plain(*values: Value) -> bytes:
    return _print(values, line=False)


_TWO = (ANY, ANY)
BUILTINS: Mapping[str, Function] = {
    "eq": Function(_equal, (ANY,), ANY),
    "ge": Function(lambda one, other: not _less(one, other), _TWO),
    "gt": Function(lambda one, other: not _less_or_equal(one, other), _TWO),
    "html": Function(_html, (), ANY),
    "index": Function(_index, (ANY,), ANY),
    "js": Function(_js, (), ANY),
    "le": Function(_less_or_equal, _TWO),
    "len": Function(_length, (ANY,)),
    "lt": Function(_less, _TWO),
    "ne": Function(lambda one, other: not _equal(one, other), _TWO),
    "not": Function(lambda value: not is_true(value), (ANY,)),
    "print": Function(_print_plain, (), ANY),
    "printf": Function(_printf, (STRING,), ANY),
    "println": Function(_println, (), ANY),
    "slice": Function(_slice, (ANY,), ANY),
    "urlquery": Function(_urlquery, (), ANY),
}
