"""One call of a measurement method, as a plan writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from netbench.runner.documents import Item
    from netbench.runner.places import Place

__all__ = ("MethodCall",)


@attrs.frozen(kw_only=True)
class MethodCall:
    """One entry of a step's ``measurements``.

    Attributes:
        method: The method's name.
        identifier: Tells instances of the same method apart; an instance lives from its first call to its test's end.
        params: What the plan gives it, as Python has it.
        item: The same with places, for problems.
        place: Where the call is written.
        where: Where in the document it is.
        settings: What the method's ``check`` made of the params.
    """

    method: str
    identifier: str
    params: dict[str, Any]
    item: Item | None
    place: Place
    where: str
    settings: Any = None

    @property
    def key(self) -> tuple[str, str]:
        """Method and identifier, by which instances are kept."""
        return self.method, self.identifier
