"""A parsed template."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs

if TYPE_CHECKING:
    from netbench.runner.template.values import Value

__all__ = (
    "Action",
    "Branch",
    "Call",
    "Chain",
    "Command",
    "Dot",
    "Field",
    "Jump",
    "Literal",
    "Nil",
    "Node",
    "Operand",
    "Pipeline",
    "Text",
    "Variable",
)


@attrs.frozen
class Literal:
    """A number, string, character or bool."""

    value: Value
    offset: int


@attrs.frozen
class Nil:
    """The word ``nil``."""

    offset: int


@attrs.frozen
class Dot:
    """``.``."""

    offset: int


@attrs.frozen
class Field:
    """``.A.B``."""

    names: tuple[str, ...]
    offset: int


@attrs.frozen
class Variable:
    """``$x.A.B``; the name has its dollar sign."""

    name: str
    names: tuple[str, ...]
    offset: int


@attrs.frozen
class Call:
    """A function's name; its arguments are the rest of its command."""

    name: str
    offset: int


@attrs.frozen
class Pipeline:
    """``$x := a | b``.

    Attributes:
        declares: The variables on its left side.
        assigns: Whether these were there before (``=``), or come into being (``:=``).
        commands: What is evaluated, each with the value of the one before as its last argument.
    """

    declares: tuple[str, ...]
    assigns: bool
    commands: tuple[Command, ...]
    offset: int


@attrs.frozen
class Chain:
    """``(pipeline).A.B``."""

    operand: Operand
    names: tuple[str, ...]
    offset: int


Operand: TypeAlias = Literal | Nil | Dot | Field | Variable | Call | Pipeline | Chain


@attrs.frozen
class Command:
    """An operand, or a function with its arguments."""

    operands: tuple[Operand, ...]
    offset: int


@attrs.frozen
class Text:
    """What is written as it is.

    Attributes:
        text: The bytes that are written.
        offset: Of the text in the template, in characters.
    """

    text: bytes
    offset: int


@attrs.frozen
class Action:
    """``{{pipeline}}``."""

    pipeline: Pipeline
    offset: int


@attrs.frozen
class Branch:
    """``if``, ``with`` or ``range``, by its word."""

    word: str
    pipeline: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]
    offset: int


@attrs.frozen
class Jump:
    """``break`` or ``continue``, by its word."""

    word: str
    offset: int


Node: TypeAlias = Text | Action | Branch | Jump
