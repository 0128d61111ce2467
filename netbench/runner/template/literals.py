"""Numbers, strings and characters as Go writes them."""

from __future__ import annotations

import re

from netbench.runner.template.errors import TemplateError

__all__ = ("INT_MAX", "INT_MIN", "character_value", "number_value", "parse_float", "parse_int", "string_value")

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
_UINT_MAX = 2**64 - 1
_INTEGER = re.compile(
    r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)"
)
_DECIMAL = re.compile(r"[+-]?(?:[0-9](?:_?[0-9])*)?\.?(?:[0-9](?:_?[0-9])*)?(?:[eE][+-]?[0-9](?:_?[0-9])*)?")
_HEXADECIMAL = re.compile(
    r"[+-]?0[xX](?:_?[0-9a-fA-F])*\.?(?:[0-9a-fA-F](?:_?[0-9a-fA-F])*)?[pP][+-]?[0-9](?:_?[0-9])*"
)
_SPECIAL = re.compile(r"[+-]?(?:inf|infinity)|nan", re.IGNORECASE)
_SIMPLE = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92}
_SURROGATES = range(0xD800, 0xE000)
_RUNE_MAX = 0x10FFFF


def number_value(text: str, offset: int) -> int | float:
    """Read a number by its syntax: a float has a point or an exponent.

    Raises:
        TemplateError: It is no number, or too large.
    """
    if _INTEGER.fullmatch(text):
        value = _integer(text)
        if not INT_MIN <= value <= INT_MAX:
            raise TemplateError(f"{text} is too large for an integer", offset)
        return value
    number = parse_float(text, underscores=True)
    if number is None or not any(mark in text for mark in ".eEpP"):
        raise TemplateError(f"{text} is no number", offset)
    return number


def parse_int(text: str) -> int | None:
    """Read a decimal integer of 64 bits as Go's ``strconv.ParseInt(text, 10, 64)``; None if it is none."""
    if re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII) is None:
        return None
    value = int(text)
    return value if INT_MIN <= value <= INT_MAX else None


def parse_float(text: str, *, underscores: bool = False) -> float | None:
    """Read a float as Go's ``strconv.ParseFloat``, which takes underscores only where the base says itself.

    Returns:
        The number; None if it is none, or too large.
    """
    if _SPECIAL.fullmatch(text):
        return float(text)
    if _HEXADECIMAL.fullmatch(text) and any(digit in "0123456789abcdefABCDEF" for digit in text[text.find("x") + 1 :]):
        return float.fromhex(text.replace("_", ""))
    if not _DECIMAL.fullmatch(text) or not any(digit.isdigit() for digit in re.split("[eE]", text)[0]):
        return None
    if "_" in text and not underscores:
        return None
    value = float(text.replace("_", ""))
    return None if value in {float("inf"), float("-inf")} else value


def character_value(text: str, offset: int) -> int:
    """Read a quoted character: its code point.

    Raises:
        TemplateError: It is not one character.
    """
    body = text[1:-1]
    if body.startswith("\\"):
        encoded, used = _escape(body, 0, "'", offset)
        if used != len(body):
            raise TemplateError(f"{text} is not one character", offset)
        return encoded[0] if len(encoded) == 1 else ord(encoded.decode())
    if len(body) != 1:
        raise TemplateError(f"{text} is not one character", offset)
    return ord(body)


def string_value(text: str, offset: int) -> bytes:
    """Read a quoted or raw string.

    Raises:
        TemplateError: It holds an escape that Go does not know.
    """
    body = text[1:-1]
    if text[0] == "`":
        return body.replace("\r", "").encode("utf-8", "surrogateescape")
    parts: list[bytes] = []
    position = 0
    while position < len(body):
        if body[position] == "\\":
            part, position = _escape(body, position, '"', offset)
        else:
            part, position = body[position].encode("utf-8", "surrogateescape"), position + 1
        parts.append(part)
    return b"".join(parts)


def _integer(text: str) -> int:
    plain = text.replace("_", "")
    digits = plain.lstrip("+-")
    # Python wants the o of octal numbers, which Go leaves out.
    base = 8 if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit() else 0
    value = int(digits, base)
    return -value if plain.startswith("-") else value


def _escape(body: str, position: int, quote: str, offset: int) -> tuple[bytes, int]:
    mark = body[position + 1]
    if mark in _SIMPLE:
        return bytes([_SIMPLE[mark]]), position + 2
    if mark == quote:
        return mark.encode(), position + 2
    for known, length, base in (("x", 2, 16), ("u", 4, 16), ("U", 8, 16)):
        if mark == known:
            return _coded(body[position + 2 : position + 2 + length], length, base, mark, offset), position + 2 + length
    if mark in "01234567":
        return _coded(body[position + 1 : position + 4], 3, 8, "x", offset), position + 4
    raise TemplateError(f"\\{mark} is no escape that Go knows", offset)


def _coded(digits: str, length: int, base: int, mark: str, offset: int) -> bytes:
    allowed = "01234567" if base == 8 else "0123456789abcdefABCDEF"  # noqa: PLR2004 - octal
    if len(digits) < length or any(digit not in allowed for digit in digits):
        raise TemplateError("an escape lacks digits", offset)
    code = int(digits, base)
    if mark == "x":
        if code > 0xFF:  # noqa: PLR2004 - one byte
            raise TemplateError("an octal escape is larger than one byte", offset)
        return bytes([code])
    if code in _SURROGATES or code > _RUNE_MAX:
        raise TemplateError(f"\\{mark}{digits} is no character", offset)
    return chr(code).encode()
