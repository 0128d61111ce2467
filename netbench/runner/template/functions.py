"""ClusterLoader2's functions, with its number rules."""

from __future__ import annotations

import hashlib
import math
import random
from functools import partial
from typing import TYPE_CHECKING

from netbench.runner.template.calling import ANY, STRING, CallError, Function, require_size
from netbench.runner.template.formatting import printed_value
from netbench.runner.template.gorandom import seeded_digits
from netbench.runner.template.literals import INT_MAX, INT_MIN, parse_float
from netbench.runner.template.quoting import yaml_quoted
from netbench.runner.template.values import Int64, Sequence, Uint8, Value, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("make_functions",)

_ALPHABET = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: What converting a number that no int64 holds gives, on the processors that ClusterLoader2 runs on.
_OVERFLOW = INT_MIN
_INDENT_MAX = 1000


def make_functions(include: Callable[[str], bytes], include_embedded: Callable[[str], bytes]) -> dict[str, Function]:
    """Give the functions by their names.

    Args:
        include: Reads the file that ``IncludeFile`` names.
        include_embedded: Reads the file that ``IncludeEmbedFile`` names.
    """
    chance = random.Random()  # noqa: S311 - test data, no secrets
    numbers: dict[str, Callable[..., float]] = {
        "Add": _add,
        "Subtract": _subtract,
        "Multiply": _multiply,
        "Divide": _divide,
        "Max": partial(_extreme, max, "maximum"),
        "Min": partial(_extreme, min, "minimum"),
    }
    functions = {}
    for name, compute in numbers.items():
        two = name in {"Subtract", "Divide"}
        shape: tuple[tuple[str, ...], str | None] = ((ANY, ANY), None) if two else ((), ANY)
        functions[f"{name}Float"] = Function(compute, *shape)
        functions[f"{name}Int"] = Function(partial(_truncated, compute), *shape)
    return functions | {
        "Ceil": Function(lambda value: _ceil(to_float(value)), (ANY,)),
        "Concat": Function(_concat, (), STRING),
        "DefaultParam": Function(lambda value, default: default if value is None else value, (ANY, ANY)),
        "IfThenElse": Function(_if_then_else, (ANY, ANY, ANY)),
        "IncludeEmbedFile": Function(partial(_include, include_embedded), (ANY,)),
        "IncludeFile": Function(partial(_include, include), (ANY,)),
        "Loop": Function(lambda size: Sequence(tuple(range(_size(size))), "int"), (ANY,)),
        "Lowercase": Function(_lowercase, (STRING,)),
        "Mod": Function(_mod, (ANY, ANY)),
        "RandData": Function(partial(_random_data, chance), (ANY,)),
        "RandDataWithSeed": Function(_seeded_data, (ANY, ANY)),
        "RandInt": Function(lambda most: _random_int(chance, 0, to_int(most)), (ANY,)),
        "RandIntRange": Function(partial(_random_range, chance), (ANY, ANY)),
        "Seq": Function(_zeros, (ANY,)),
        "SliceOfZeros": Function(_zeros, (ANY,)),
        "StringSplit": Function(lambda text: Sequence(tuple(text.split(b",")), STRING), (STRING,)),
        "YamlQuote": Function(_yaml_quote, (ANY, ANY)),
    }


def to_float(value: Value) -> float:
    """Give a number, or the number that a string holds, as a float64.

    Raises:
        CallError: It is none.
    """
    if isinstance(value, float):
        return value
    if isinstance(value, int) and not isinstance(value, bool | Uint8):
        return float(value)
    if isinstance(value, bytes):
        number = parse_float(value.decode("utf-8", "replace"))
        if number is not None:
            return number
    msg = f"cannot cast {printed_value(value).decode('utf-8', 'replace')} to float64"
    raise CallError(msg)


def to_int(value: Value) -> int:
    """Give a number as an int, cut towards zero.

    Raises:
        CallError: It is none.
    """
    return _cut(to_float(value))


def _cut(number: float) -> int:
    if not math.isfinite(number) or not INT_MIN <= number <= INT_MAX:
        return _OVERFLOW
    cut = int(number)
    return cut if cut <= INT_MAX else _OVERFLOW


def _truncated(compute: Callable[..., float], *values: Value) -> int:
    return _cut(compute(*values))


def _add(*values: Value) -> float:
    total = 0.0
    for value in values:
        total += to_float(value)
    return total


def _multiply(*values: Value) -> float:
    product = 1.0
    for value in values:
        product *= to_float(value)
    return product


def _subtract(one: Value, other: Value) -> float:
    return to_float(one) - to_float(other)


def _divide(one: Value, other: Value) -> float:
    dividend, divisor = to_float(one), to_float(other)
    if divisor == 0:
        raise CallError("division by zero")
    return dividend / divisor


def _extreme(choose: Callable[[float, float], float], what: str, *values: Value) -> float:
    if not values:
        msg = f"{what} undefined"
        raise CallError(msg)
    result = to_float(values[0])
    for value in map(to_float, values):
        result = math.nan if math.isnan(value) or math.isnan(result) else choose(result, value)
    return result


def _ceil(number: float) -> float:
    # What has no fraction stays as it is: infinity, and numbers too large for one.
    return float(math.ceil(number)) if math.isfinite(number) and abs(number) < 2**53 else number


def _concat(*texts: bytes) -> bytes:
    joined = b"".join(texts)
    require_size(len(joined), "a text")
    return joined


def _lowercase(text: bytes) -> bytes:
    return text.decode("utf-8", "surrogateescape").lower().encode("utf-8", "surrogateescape")


def _mod(one: Value, other: Value) -> int:
    dividend, divisor = to_int(one), to_int(other)
    if divisor == 0:
        raise CallError("integer divide by zero")
    remainder = abs(dividend) % abs(divisor)
    return -remainder if dividend < 0 else remainder


def _if_then_else(condition: Value, then: Value, otherwise: Value) -> Value:
    if not isinstance(condition, bool):
        msg = f"incorrect argument type: got: {type_name(condition)} want: bool"
        raise CallError(msg)
    return then if condition else otherwise


def _include(read: Callable[[str], bytes], file: Value) -> bytes:
    if not isinstance(file, bytes):
        msg = f"incorrect argument type: got: {type_name(file)} want: string"
        raise CallError(msg)
    return read(file.decode("utf-8", "surrogateescape"))


def _size(value: Value) -> int:
    size = to_int(value)
    if size < 0:
        msg = f"a slice cannot have {size} elements"
        raise CallError(msg)
    require_size(size, "a slice")
    return size


def _zeros(size: Value) -> Sequence:
    return Sequence((0,) * _size(size), "int")


def _random_data(chance: random.Random, length: Value) -> bytes:
    return bytes(chance.choices(_ALPHABET, k=_size(length)))


def _seeded_data(length: Value, seed: Value) -> bytes:
    size = _size(length)
    if not size:
        return b""
    if not isinstance(seed, bytes):
        msg = f"the seed must be a string, not {type_name(seed)}"
        raise CallError(msg)
    number = int.from_bytes(hashlib.sha256(seed).digest()[:8], "big", signed=True)
    return bytes(_ALPHABET[digit] for digit in seeded_digits(number, len(_ALPHABET), size))


def _random_int(chance: random.Random, least: int, most: int) -> int:
    if most < least:
        msg = f"there is no whole number from {least} to {most}"
        raise CallError(msg)
    return chance.randint(least, most)


def _random_range(chance: random.Random, least: Value, most: Value) -> int:
    first, last = to_int(least), to_int(most)
    return first if first >= last else chance.randint(first, last)


def _yaml_quote(text: Value, indent: Value) -> bytes:
    if not isinstance(text, bytes):
        msg = f"incorrect argument type: got: {type_name(text)} want: string"
        raise CallError(msg)
    if isinstance(indent, bool | Int64 | Uint8) or not isinstance(indent, int):
        msg = f"incorrect argument type: got: {type_name(indent)} want: int"
        raise CallError(msg)
    if not 0 <= indent <= _INDENT_MAX:
        msg = f"the indentation must be from 0 to {_INDENT_MAX}, not {indent}"
        raise CallError(msg)
    quoted = yaml_quoted(text).replace(b"\n", b"\n" + b"  " * indent)
    require_size(len(quoted), "a text")
    return quoted
