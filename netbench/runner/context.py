"""What a measurement method is given to work with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from anyio.abc import TaskGroup

    from netbench.cluster import Cluster
    from netbench.runner.plan import Scenario

__all__ = ("MethodContext",)


@attrs.frozen(kw_only=True)
class MethodContext:
    """What a measurement method is given to work with.

    Attributes:
        cluster: The open cluster.
        scenario: The test that is running.
        tell: Shows a line of progress.
    """

    cluster: Cluster
    scenario: Scenario
    tell: Callable[[str], None]
    _group: TaskGroup = attrs.field(alias="group")

    def start_soon(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Let something go on in the background until its test's end, when it is cancelled."""
        self._group.start_soon(work)
