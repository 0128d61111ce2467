"""A real fleet around a crew without workers."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from netbench.backends.base import BackendFacts
from netbench.cluster import Cluster
from netbench.fleet import WorkerFleet
from netbench.topology import Node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from netbench.backends.base import Backend, Crew, FleetSpec
    from tests.support.crew import FakeCrew

__all__ = ("fleet_of",)


class FakeBackend:
    """Places the one crew that it has."""

    facts = BackendFacts(kind="local", details={"isolation": "none"})
    nodes = (Node(name="node-1"), Node(name="node-2"))

    def __init__(self, crew: FakeCrew) -> None:
        self._crew = crew

    def abandon(self) -> None:
        """Nothing is removed here."""

    @asynccontextmanager
    async def place(self, spec: FleetSpec) -> AsyncIterator[Crew]:  # noqa: ARG002 - the crew is what it is
        """Give the crew."""
        try:
            yield self._crew
        finally:
            self._crew.close()


@asynccontextmanager
async def fleet_of(crew: FakeCrew) -> AsyncIterator[WorkerFleet]:
    """Open a fleet of this crew."""

    @asynccontextmanager
    async def open_backend() -> AsyncIterator[Backend]:
        yield FakeBackend(crew)

    async with Cluster(open_backend) as cluster, WorkerFleet(cluster) as fleet:
        yield fleet
