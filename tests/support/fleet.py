"""A fleet around a crew without workers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import anyio

from netbench.backends.base import BackendFacts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.crew import FakeCrew

__all__ = ("FakeFleet",)


class FakeFleet:
    """Has what a measurement asks of a fleet."""

    def __init__(self, crew: FakeCrew) -> None:
        self.crew = crew
        self.workers = crew.workers
        facts = BackendFacts(kind="local", details={"isolation": "none"})
        self.cluster = SimpleNamespace(backend=SimpleNamespace(facts=facts))
        self._group = anyio.create_task_group()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *exc_info: Any) -> bool | None:  # noqa: ANN401
        self._group.cancel_scope.cancel()
        return await self._group.__aexit__(*exc_info)

    def start_soon(self, work: Callable[[], Awaitable[None]]) -> None:
        """Let a run go on in the background."""
        self._group.start_soon(work)
