"""What a function of templates is: its parameters as Go declares them, and what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

    from netbench.runner.template.values import Value

__all__ = ("ANY", "SIZE_MAX", "STRING", "CallError", "Function", "require_size")

#: Parameters that take anything, and those that take strings alone.
ANY, STRING = "interface {}", "string"
#: No value of an honest template is larger: bytes of a string, elements of a slice.
SIZE_MAX = 1_000_000


class CallError(Exception):
    """A function refuses its arguments; the message says why."""


@attrs.frozen
class Function:
    """A function that templates may call.

    Attributes:
        call: What it does, with the arguments in order.
        parameters: The types of its parameters.
        rest: The type of all further arguments; None where there can be none.
    """

    call: Callable[..., Value]
    parameters: tuple[str, ...] = ()
    rest: str | None = None


def require_size(size: int, what: str) -> None:
    """Refuse to make something so large that memory would be at risk.

    Raises:
        CallError: It would be larger than :data:`SIZE_MAX`.
    """
    if size > SIZE_MAX:
        msg = f"{what} of {size} is more than {SIZE_MAX}"
        raise CallError(msg)
