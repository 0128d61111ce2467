"""Checks of arguments: each says which argument of which class is wrong, and what would be right."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

from netbench.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

    import attrs

    Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]

__all__ = ("boolean", "fail", "integer", "number", "one_of", "optional", "text")

_MAX = sys.float_info.max


def fail(instance: object, argument: str, value: object, expected: str) -> InvalidArgumentError:
    """Make the error for one argument of the class that is being built."""
    return InvalidArgumentError(f"{type(instance).__name__}({argument}=)", value, expected)


def integer(*, at_least: int, at_most: int | None = None) -> Validator:
    """Accept whole numbers within the bounds; bool is not a number here."""
    expected = f"a whole number of at least {at_least}"
    if at_most is not None:
        expected = f"a whole number from {at_least} to {at_most}"
    highest = math.inf if at_most is None else at_most

    def check(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if isinstance(value, int) and not isinstance(value, bool) and at_least <= value <= highest:
            return
        raise fail(instance, attribute.name, value, expected)

    return check


def number(
    *,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> Validator:
    """Accept finite numbers above or at least a bound, and at most or below another; bool and NaN are refused."""
    expected = "a finite number"
    if above is not None:
        expected = f"a number above {above:g}"
    elif at_least is not None:
        expected = f"a number of at least {at_least:g}"
    if at_most is not None:
        expected += f" and at most {at_most:g}"
    elif below is not None:
        expected += f" and below {below:g}"

    def check(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        # Compared rather than converted: an int may be too large for a float.
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and -_MAX <= value <= _MAX
        low = (above is None or value > above) and (at_least is None or value >= at_least) if is_number else False
        if low and (at_most is None or value <= at_most) and (below is None or value < below):
            return
        raise fail(instance, attribute.name, value, expected)

    return check


def boolean(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Accept True and False only."""
    if not isinstance(value, bool):
        raise fail(instance, attribute.name, value, "True or False")


def text(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Accept a string that is not empty."""
    if not isinstance(value, str) or not value:
        raise fail(instance, attribute.name, value, "a string that is not empty")


def optional(inner: Validator) -> Validator:
    """Accept None, and otherwise what the inner check accepts."""

    def check(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value is not None:
            inner(instance, attribute, value)

    return check


def one_of(*choices: str) -> Validator:
    """Accept one of these words."""
    expected = "one of " + ", ".join(repr(choice) for choice in choices)

    def check(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, str) or value not in choices:
            raise fail(instance, attribute.name, value, expected)

    return check
