"""Go's text/template with ClusterLoader2's functions: parsed, rendered, and checked for values that break out.

What comes out is equal to Go's, byte for byte. Two things are errors that are none there: a variable that does not
exist, which Go writes as ``<no value>``, and what would take unreasonable time or space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.runner.template.builtins import BUILTINS
from netbench.runner.template.calling import CallError
from netbench.runner.template.defence import check_places
from netbench.runner.template.errors import TemplateError
from netbench.runner.template.evaluate import evaluate
from netbench.runner.template.functions import make_functions
from netbench.runner.template.output import Rendered
from netbench.runner.template.parser import parse
from netbench.runner.template.values import Int, Int64, from_python

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ("CallError", "Int", "Int64", "Rendered", "TemplateError", "function_names", "render")

#: Functions that look at no more of their arguments than they need; the evaluation has them.
_LAZY = frozenset({"and", "or"})


def render(
    text: str,
    variables: Mapping[str, object],
    *,
    include: Callable[[str], bytes] | None = None,
    include_embedded: Callable[[str], bytes] | None = None,
) -> Rendered:
    """Render a template.

    Args:
        text: The template.
        variables: The values of ``.NAME``, as YAML has them; numbers become float64, as in Go, unless they are an
            :class:`Int` or :class:`Int64`.
        include: Reads the file that ``IncludeFile`` names, or raises :class:`CallError`.
        include_embedded: The same for ``IncludeEmbedFile``.

    Raises:
        TemplateError: It cannot be parsed or rendered; the error says where.
    """
    values = {name.encode(): from_python(value) for name, value in variables.items()}
    functions = dict(BUILTINS) | make_functions(include or _no_file, include_embedded or _no_file)
    nodes = parse(text, functions.keys() | _LAZY)
    rendered = evaluate(nodes, values, functions)
    check_places(rendered)
    return rendered


def function_names() -> tuple[str, ...]:
    """List the functions that templates may call."""
    return tuple(sorted({*BUILTINS, *make_functions(_no_file, _no_file), *_LAZY}))


def _no_file(name: str) -> bytes:
    msg = f"files cannot be included here: {name}"
    raise CallError(msg)
