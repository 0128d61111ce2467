"""A fleet around a crew without workers."""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

from anyio import AsyncContextManagerMixin

from netbench.backends.base import BackendFacts
from netbench.tasks import background_tasks

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

    from anyio.abc import TaskGroup

    from tests.support.crew import FakeCrew

__all__ = ("FakeFleet",)


class FakeFleet(AsyncContextManagerMixin):
    """Has what a measurement asks of a fleet."""

    def __init__(self, crew: FakeCrew) -> None:
        self.crew = crew
        self.workers = crew.workers
        facts = BackendFacts(kind="local", details={"isolation": "none"})
        self.cluster = SimpleNamespace(backend=SimpleNamespace(facts=facts))
        self._group: TaskGroup | None = None

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self, None]:
        """Let runs go on until the end."""
        try:
            async with background_tasks() as self._group:
                yield self
        finally:
            self.crew.close()

    def start_soon(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Let a run go on in the background."""
        assert self._group is not None
        self._group.start_soon(work)
