"""Go's ``fmt.Sprintf``: what becomes of each verb and each mistake in a format."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import attrs

from netbench.runner.template.calling import CallError
from netbench.runner.template.formatting import float_text, printed_value, quoted
from netbench.runner.template.values import Missing, Sequence, Value, type_name

if TYPE_CHECKING:
    from collections.abc import Sequence as AnySequence

__all__ = ("sprintf",)

#: Go writes %!(BADWIDTH) for more.
_WIDTH_MAX = 1_000_000
_INDEX = re.compile(rb"\[([^\]]*)\]")
_RUNE_MAX = 0x10FFFF


@attrs.define
class _Spec:
    """What stands between ``%`` and the verb."""

    plus: bool = False
    minus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    width: int | None = None
    precision: int | None = None


def sprintf(template: bytes, values: AnySequence[Value]) -> bytes:
    """Format values as ``fmt.Sprintf`` does, mistakes included, which it writes into the text."""
    return _Formatter(template, values).run()


class _Formatter:
    def __init__(self, template: bytes, values: AnySequence[Value]) -> None:
        self._template = template
        self._values = values
        self._position = 0
        self._next = 0
        self._reordered = False
        self._good_index = True
        self._after_index = False
        self._parts: list[bytes] = []

    def run(self) -> bytes:
        while (percent := self._template.find(b"%", self._position)) >= 0:
            self._parts.append(self._template[self._position : percent])
            self._position = percent + 1
            self._verb(self._spec())
        self._parts.append(self._template[self._position :])
        if not self._reordered and self._next < len(self._values):
            extra = self._values[self._next :]
            listed = (b"<nil>" if each is None else _named(each) for each in extra)
            self._parts.append(b"%!(EXTRA " + b", ".join(listed) + b")")
        return b"".join(self._parts)

    def _peek(self) -> bytes:
        return self._template[self._position : self._position + 1]

    def _spec(self) -> _Spec:
        spec = _Spec()
        self._good_index, self._after_index = True, False
        flags = {b"+": "plus", b"-": "minus", b"#": "sharp", b" ": "space", b"0": "zero"}
        while self._peek() in flags:
            setattr(spec, flags[self._peek()], True)
            self._position += 1
        self._argument_index()
        spec.width = self._number(spec, b"BADWIDTH")
        if spec.width is not None and spec.width < 0:
            spec.width, spec.minus = -spec.width, True
        if self._peek() == b".":
            if self._after_index:
                self._good_index = False
            self._position += 1
            self._argument_index()
            spec.precision = self._number(spec, b"BADPREC") or 0
            if spec.precision < 0:
                self._parts.append(b"%!(BADPREC)")
                spec.precision = None
        if not self._after_index:
            self._argument_index()
        return spec

    def _argument_index(self) -> None:
        """Take an explicit argument index: ``%[2]d``."""
        if self._peek() != b"[":
            self._after_index = False
            return
        self._reordered = True
        match = _INDEX.match(self._template, self._position)
        if match is None:
            self._good_index = False
            self._position += 1
            return
        self._position = match.end()
        self._after_index = True
        if match[1].isdigit() and 1 <= int(match[1]) <= len(self._values):
            self._next = int(match[1]) - 1
        else:
            self._good_index = False

    def _number(self, spec: _Spec, mistake: bytes) -> int | None:
        if self._peek() == b"*":
            self._position += 1
            value = self._values[self._next] if self._next < len(self._values) else None
            self._next += self._next < len(self._values)
            self._after_index = False
            if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _WIDTH_MAX:
                self._parts.append(b"%!(" + mistake + b")")
                return None
            return value
        match = re.compile(rb"[0-9]+").match(self._template, self._position)
        if match is None:
            return None
        if self._after_index and mistake == b"BADWIDTH":
            self._good_index = False
        if self._after_index and mistake == b"BADPREC":
            self._good_index = False
        self._position = match.end()
        del spec
        if len(match[0]) > 7 or int(match[0]) > _WIDTH_MAX:  # noqa: PLR2004 - digits of the maximum
            # Go gives up on such a number, and reads its digits as the verb.
            self._position = match.end()
            return None
        return int(match[0])

    def _verb(self, spec: _Spec) -> None:
        if self._position >= len(self._template):
            self._parts.append(b"%!(NOVERB)")
            return
        character = self._template[self._position :].decode("utf-8", "surrogateescape")[0]
        verb = character.encode("utf-8", "surrogateescape")
        self._position += len(verb)
        if verb == b"%":
            self._parts.append(b"%")
        elif not self._good_index:
            self._parts.append(b"%!" + verb + b"(BADINDEX)")
        elif self._next >= len(self._values):
            self._parts.append(b"%!" + verb + b"(MISSING)")
        else:
            value = self._values[self._next]
            self._next += 1
            self._parts.append(_formatted(value, character, spec))


def _named(value: Value) -> bytes:
    return type_name(value).encode() + b"=" + printed_value(value)


def _formatted(value: Value, verb: str, spec: _Spec) -> bytes:  # noqa: C901 - one branch for each kind
    if verb == "T":
        return _padded(type_name(value), spec).encode()
    if verb == "v":
        if spec.sharp and not isinstance(value, float | int):
            return _padded(_syntax(value), spec).encode("utf-8", "surrogateescape")
        spec = attrs.evolve(spec, plus=False, sharp=False)
    match value:
        case None | Missing():
            return _padded("<nil>", spec).encode() if verb == "v" else _wrong(value, verb, spec)
        case bool():
            return _padded("true" if value else "false", spec).encode() if verb in "tv" else _wrong(value, verb, spec)
        case int():
            return _integer(value, verb, spec)
        case float():
            return _float(value, verb, spec)
        case bytes():
            return _string(value, verb, spec)
        case Sequence():
            return b"[" + b" ".join(_element(each, verb, spec) for each in value.items) + b"]"
        case dict():
            pairs = (
                _formatted(key, verb, spec) + b":" + _element(each, verb, spec) for key, each in sorted(value.items())
            )
            return b"map[" + b" ".join(pairs) + b"]"


def _element(value: Value, verb: str, spec: _Spec) -> bytes:
    return _padded("<nil>", spec).encode() if value is None else _formatted(value, verb, spec)


def _wrong(value: Value, verb: str, spec: _Spec) -> bytes:
    nothing = value is None or isinstance(value, Missing)
    shown = b"<nil>" if nothing else type_name(value).encode() + b"=" + _formatted(value, "v", spec)
    return b"%!" + verb.encode("utf-8", "surrogateescape") + b"(" + shown + b")"


def _padded(text: str, spec: _Spec, *, zero: bool = False) -> str:
    if spec.width is None:
        return text
    if spec.minus:
        return text.ljust(spec.width)
    return text.rjust(spec.width, "0" if zero or spec.zero else " ")


def _string(value: bytes, verb: str, spec: _Spec) -> bytes:
    text = value.decode("utf-8", "surrogateescape")
    if verb not in "vsqxX":
        return _wrong(value, verb, spec)
    if verb in "xX":
        return _hexadecimal(value if spec.precision is None else value[: spec.precision], verb, spec)
    if spec.precision is not None:
        text = text[: spec.precision]
    if verb == "q":
        encoded = text.encode("utf-8", "surrogateescape")
        raw = spec.sharp and "`" not in text and text.isprintable()
        text = f"`{text}`" if raw else quoted(encoded, ascii_only=spec.plus)
    return _padded(text, spec).encode("utf-8", "surrogateescape")


def _hexadecimal(value: bytes, verb: str, spec: _Spec) -> bytes:
    digits = value.hex()
    prefix = "0x" if spec.sharp and value else ""
    if spec.space:
        text = " ".join(prefix + digits[index : index + 2] for index in range(0, len(digits), 2))
    else:
        text = prefix + digits
    return _padded(text.upper() if verb == "X" else text, spec).encode()


def _integer(value: int, verb: str, spec: _Spec) -> bytes:
    if verb == "c":
        return _padded(_rune(value), spec).encode()
    if verb == "q":
        text = quoted(_rune(value).encode(), quote="'", ascii_only=spec.plus)
        return _padded(text, spec).encode()
    if verb == "U":
        text = f"U+{value & 0xFFFFFFFFFFFFFFFF:04X}"
        if spec.sharp and value <= _RUNE_MAX and _rune(value).isprintable():
            text += f" '{_rune(value)}'"
        return _padded(text, attrs.evolve(spec, zero=False)).encode()
    if verb not in "vdboOxX":
        return _wrong(value, verb, spec)
    base = {"v": "d", "O": "o"}.get(verb, verb)
    digits = format(abs(value), base)
    if spec.precision is not None:
        digits = "" if spec.precision == 0 and value == 0 else digits.rjust(spec.precision, "0")
    elif spec.zero and not spec.minus and spec.width is not None:
        signed = value < 0 or spec.plus or spec.space
        digits = digits.rjust(spec.width - signed, "0")
    text = _sign(value < 0, spec) + _prefix(verb, digits, spec) + digits
    if spec.precision == 0 and value == 0:
        text = ""
    return _padded(text, attrs.evolve(spec, zero=False)).encode()


def _prefix(verb: str, digits: str, spec: _Spec) -> str:
    if verb == "O":
        return "0o"
    if not spec.sharp:
        return ""
    if verb == "o":
        return "" if digits.startswith("0") else "0"
    return {"b": "0b", "x": "0x", "X": "0X"}.get(verb, "")


def _sign(negative: bool, spec: _Spec) -> str:  # noqa: FBT001 - one of three signs
    if negative:
        return "-"
    return "+" if spec.plus else " " if spec.space else ""


def _rune(value: int) -> str:
    valid = 0 <= value <= _RUNE_MAX and not 0xD800 <= value <= 0xDFFF  # noqa: PLR2004 - surrogates
    return chr(value) if valid else "\ufffd"


def _float(value: float, verb: str, spec: _Spec) -> bytes:
    if verb not in "vgGeEfFxXb":
        return _wrong(value, verb, spec)
    text = _float_digits(abs(value), verb, spec)
    negative = math.copysign(1, value) < 0 and not math.isnan(value)
    sign = _sign(negative, spec)
    if not math.isfinite(value):
        # Infinity has a sign, and zeros make no number of it.
        sign = sign or ("+" if spec.plus else "")
        if math.isinf(value) and not sign:
            sign = "+"
        return _padded(sign + text.lstrip("+"), attrs.evolve(spec, zero=False)).encode()
    if spec.zero and not spec.minus and spec.width is not None:
        return (sign + text.rjust(spec.width - len(sign), "0")).encode()
    return _padded(sign + text, spec).encode()


def _float_digits(value: float, verb: str, spec: _Spec) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Inf"
    if verb in "vgG" and spec.precision is None:
        text = float_text(value)
        if spec.sharp:
            return _sharp(text, 6) if verb != "v" else text
        return text.upper() if verb == "G" else text
    if verb in "xX":
        text = _hexadecimal_float(value, spec)
        return text.upper() if verb == "X" else text
    if verb == "b":
        mantissa, exponent = math.frexp(value)
        return f"{int(mantissa * 2**53)}p{(exponent if value else -1021) - 53:+d}"
    precision = 6 if spec.precision is None else spec.precision
    kind = "g" if verb == "v" else verb.replace("F", "f")
    if kind in "gG":
        precision = precision or 1
        return format(value, f"{'#' if spec.sharp else ''}.{precision}{kind}")
    return format(value, f"{'#' if spec.sharp else ''}.{precision}{kind}")


def _hexadecimal_float(value: float, spec: _Spec) -> str:
    if spec.precision is not None:
        raise CallError("%x with a precision is not supported for floats")
    mantissa, _, exponent = value.hex().partition("p")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}{'.' if fraction else ''}{fraction}p{exponent[0]}{exponent[1:].rjust(2, '0')}"


def _sharp(text: str, digits: int) -> str:
    mantissa, mark, exponent = text.partition("e")
    if "." not in mantissa:
        mantissa += "."
    have = sum(character.isdigit() for character in mantissa.lstrip("0."))
    return mantissa + "0" * max(0, digits - have) + mark + exponent


def _syntax(value: Value) -> str:
    """Give a value in Go's own syntax, as ``%#v`` does."""
    match value:
        case None | Missing():
            return "<nil>"
        case bytes():
            return quoted(value)
        case Sequence():
            inner = ", ".join(f"{_syntax_inner(each)}" for each in value.items)
            return f"[]{value.element}{{{inner}}}"
        case dict():
            inner = ", ".join(f"{quoted(key)}:{_syntax_inner(value[key])}" for key in sorted(value))
            return f"map[string]interface {{}}{{{inner}}}"
        case _:
            return printed_value(value).decode()


def _syntax_inner(value: Value) -> str:
    return "interface {}(nil)" if value is None else _syntax(value)
