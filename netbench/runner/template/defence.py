"""Values that would break out of their place in the YAML, found as Google's safetext finds them.

The template is rendered twice more, once with a plain word for every string from outside, once with their characters
doubled. All three must be YAML of the same shape. Unlike there, a value may be a key, and a function that cannot work
with a changed string does not make the template wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from netbench.runner.template.errors import TemplateError

if TYPE_CHECKING:
    from netbench.runner.template.output import Rendered, Value3

__all__ = ("check_places",)

_LOADER = getattr(yaml, "CLoader", yaml.Loader)
#: Each culprit costs one more look at the whole text.
_CULPRITS_SOUGHT = 50
_SHOWN = 60


def check_places(rendered: Rendered) -> None:
    """Refuse values that are more than a scalar where they stand.

    Raises:
        TemplateError: One is; the message names its variable.
    """
    values = rendered.values()
    if not values:
        return
    expected = _shape(rendered.variant("baseline"))
    if expected is None:
        # No YAML whatever the values are: whoever reads it says where.
        return
    if _shape(rendered.text) == expected and _shape(rendered.variant("mutated")) == expected:
        return
    for piece, value in values[:_CULPRITS_SOUGHT]:
        if _shape(rendered.variant("baseline", real=piece)) != expected:
            raise TemplateError(_words(value), rendered.offset_of(piece))
    piece, value = values[0]
    raise TemplateError(_words(value), rendered.offset_of(piece))


def _words(value: Value3) -> str:
    shown = value.text.decode("utf-8", "replace")
    shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "..."
    return (
        f"the value of {', '.join(value.names)} breaks out of its place in the YAML: {shown!r}. "
        "Write it with YamlQuote, or between quotes without quotes in it"
    )


def _shape(text: bytes) -> list[tuple[str, str | None, str | None]] | None:
    """Give what a text is made of, without its scalars' values; None if it is no YAML."""
    try:
        return [
            (type(event).__name__, getattr(event, "anchor", None), getattr(event, "tag", None))
            for event in yaml.parse(text.decode("utf-8", "replace"), Loader=_LOADER)
        ]
    except (yaml.YAMLError, RecursionError):
        return None
