"""Values as text, as Go's package fmt writes them."""

from __future__ import annotations

import math
from decimal import Decimal

from netbench.runner.template.values import Missing, Sequence, Value

__all__ = ("float_text", "printed", "printed_line", "printed_value", "quoted")

_ESCAPES = {7: "\\a", 8: "\\b", 12: "\\f", 10: "\\n", 13: "\\r", 9: "\\t", 11: "\\v", 92: "\\\\"}
_REPLACEMENT = "\ufffd"
#: Numbers with this exponent or a greater one are written with it, and those below the other.
_EXPONENT_MAX, _EXPONENT_MIN = 6, -4


def printed_value(value: Value) -> bytes:
    """Give a value as ``%v`` does."""
    match value:
        case None | Missing():
            return b"<nil>"
        case bool():
            return b"true" if value else b"false"
        case int():
            return b"%d" % value
        case float():
            return float_text(value).encode()
        case bytes():
            return value
        case Sequence():
            return b"[" + b" ".join(printed_value(each) for each in value.items) + b"]"
        case dict():
            pairs = (key + b":" + printed_value(value[key]) for key in sorted(value))
            return b"map[" + b" ".join(pairs) + b"]"


def printed(values: list[Value]) -> bytes:
    """Give values as ``fmt.Sprint`` does: a space between two that are no strings."""
    parts: list[bytes] = []
    for index, value in enumerate(values):
        if index and not isinstance(value, bytes) and not isinstance(values[index - 1], bytes):
            parts.append(b" ")
        parts.append(printed_value(value))
    return b"".join(parts)


def printed_line(values: list[Value]) -> bytes:
    """Give values as ``fmt.Sprintln`` does."""
    return b" ".join(printed_value(value) for value in values) + b"\n"


def float_text(value: float) -> str:
    """Give a float in the fewest digits that read back the same, as ``%v`` does."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - it is finite
    text = "".join(map(str, digits)).rstrip("0") or "0"
    point = len(digits) + exponent if value else 1
    minus = "-" if sign else ""
    power = point - 1
    if _EXPONENT_MIN <= power < _EXPONENT_MAX:
        if point <= 0:
            return f"{minus}0.{'0' * -point}{text}"
        if len(text) <= point:
            return minus + text.ljust(point, "0")
        return f"{minus}{text[:point]}.{text[point:]}"
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{minus}{text[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02}"


def quoted(text: bytes, *, quote: str = '"', ascii_only: bool = False) -> str:
    """Give a string in Go's quotes, as ``%q`` does."""
    parts = [quote]
    for character in text.decode("utf-8", "surrogateescape"):
        code = ord(character)
        if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 - a byte that is no UTF-8
            parts.append(f"\\x{code - 0xDC00:02x}")
        else:
            parts.append(_quoted_character(character, quote, ascii_only=ascii_only))
    parts.append(quote)
    return "".join(parts)


def _quoted_character(character: str, quote: str, *, ascii_only: bool) -> str:
    code = ord(character)
    if character == quote:
        return "\\" + character
    if code in _ESCAPES:
        return _ESCAPES[code]
    if character == " " or (character.isprintable() and (character.isascii() or not ascii_only)):
        return character
    if code < 0x20 or code == 0x7F:  # noqa: PLR2004 - ASCII's controls
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the basic plane
