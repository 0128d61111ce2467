"""The controller's side of control: what a backend gives to everything above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from netbench.messages import ControlRecord, PairRequest, PairStatus, WorkerHello
    from netbench.topology import Node, Worker

__all__ = ("Backend", "BackendFacts", "Crew", "FleetSpec", "StatusEvent", "WorkerLost")


@attrs.frozen(kw_only=True)
class FleetSpec:
    """How many workers, and where; exactly one of the first three is set.

    Attributes:
        workers: This many, spread evenly over the nodes.
        per_node: This many on each node.
        placement: This many on each named node.
        ready_timeout_s: How long they may take to become ready.
    """

    workers: int | None
    per_node: int | None
    placement: Mapping[str, int] | None
    ready_timeout_s: float


@attrs.frozen(kw_only=True)
class BackendFacts:
    """What a result says about where it was measured.

    Attributes:
        kind: ``local`` or ``kubernetes``.
        details: Isolation, link rate and MTU, or context and server version, as words.
    """

    kind: str
    details: Mapping[str, str]


@attrs.frozen(kw_only=True)
class WorkerLost:
    """A worker ended that should not have.

    Attributes:
        worker: Its name.
        message: How it ended, with its last words where there are any.
    """

    worker: str
    message: str


StatusEvent: TypeAlias = "PairStatus | WorkerLost"


class Crew(Protocol):
    """Placed workers that are ready, for as long as the context of :meth:`Backend.place` lasts."""

    @property
    def workers(self) -> tuple[Worker, ...]:
        """The workers, in the order of their names' numbers."""
        ...

    @property
    def hellos(self) -> Mapping[str, WorkerHello]:
        """What each worker said of itself."""
        ...

    @property
    def start_lead_s(self) -> float:
        """How far ahead a start instant must lie so that every worker hears of it in time."""
        ...

    def now_ns(self) -> int:
        """The time base's Unix time in nanoseconds."""
        ...

    async def submit(self, requests: Sequence[PairRequest]) -> None:
        """Hand each request to its client worker. A worker that is lost shows up in :meth:`statuses`, not here."""
        ...

    async def publish(self, record: ControlRecord) -> None:
        """Fire or stop a round: every worker of the run hears of it."""
        ...

    def statuses(self, run_id: str) -> AbstractAsyncContextManager[AsyncIterator[StatusEvent]]:
        """Stream a run's statuses and the fleet's losses, those from before the call included."""
        ...

    async def forget(self, run_id: str) -> None:
        """Remove the run's requests and control records."""
        ...


class Backend(Protocol):
    """A cluster that is open."""

    @property
    def facts(self) -> BackendFacts:
        """What a result says about it."""
        ...

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that workers can be placed on."""
        ...

    def place(self, spec: FleetSpec) -> AbstractAsyncContextManager[Crew]:
        """Place workers and wait until they are ready; remove them at the end, whatever the end.

        Raises:
            PlacementError: A worker did not become ready.
        """
        ...
