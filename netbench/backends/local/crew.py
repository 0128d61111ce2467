"""A fleet's workers on this machine: placed, ready, watched, and removed."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import attrs

from netbench.backends.base import WorkerLost
from netbench.backends.local.control import open_control
from netbench.backends.local.processes import WorkerProcess, start_worker, worker_command
from netbench.errors import PlacementError
from netbench.tasks import background_tasks, together
from netbench.topology import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from anyio.streams.memory import MemoryObjectSendStream

    from netbench.backends.base import StatusEvent
    from netbench.backends.local.control import ControlServer
    from netbench.messages import ControlRecord, PairRequest, PairStatus, WorkerHello
    from netbench.topology import Node

__all__ = ("LocalCrew", "Seat", "open_crew")

#: Workers hear of the start over a local socket in a few milliseconds; the rest is for a busy machine.
_START_LEAD_S = 0.25


@attrs.frozen(kw_only=True)
class Seat:
    """Where a worker is to be.

    Attributes:
        name: The worker's name.
        node: Its node.
        address: Its address.
        namespace: Path of its network namespace, None where it has none of its own.
    """

    name: str
    node: Node
    address: str
    namespace: str | None


class LocalCrew:
    """Implements :class:`netbench.backends.base.Crew`; made by :func:`open_crew`."""

    def __init__(self) -> None:
        self.workers: tuple[Worker, ...] = ()
        self.hellos: Mapping[str, WorkerHello] = {}
        self._control: ControlServer | None = None
        self._losses: list[WorkerLost] = []
        self._history: dict[str, list[PairStatus]] = {}
        self._listeners: dict[str, list[MemoryObjectSendStream[StatusEvent]]] = {}

    @property
    def start_lead_s(self) -> float:
        """How far ahead a start instant must lie."""
        return _START_LEAD_S

    def now_ns(self) -> int:
        """This machine's Unix time in nanoseconds, which is the time base."""
        return time.time_ns()

    async def submit(self, requests: Sequence[PairRequest]) -> None:
        """Hand each request to its client worker."""
        await self._open_control.submit(requests)

    async def publish(self, record: ControlRecord) -> None:
        """Fire or stop a round."""
        await self._open_control.publish(record)

    @asynccontextmanager
    async def statuses(self, run_id: str) -> AsyncIterator[AsyncIterator[StatusEvent]]:
        """Stream a run's statuses and the fleet's losses, from their beginning."""
        send, receive = anyio.create_memory_object_stream["StatusEvent"](float("inf"))
        listeners = self._listeners.setdefault(run_id, [])
        listeners.append(send)
        for event in (*self._losses, *self._history.get(run_id, ())):
            send.send_nowait(event)
        try:
            with send, receive:
                yield receive
        finally:
            listeners.remove(send)

    async def forget(self, run_id: str) -> None:
        """Forget a run here and on the workers."""
        self._history.pop(run_id, None)
        self._listeners.pop(run_id, None)
        await self._open_control.forget(run_id)

    def begin(self, control: ControlServer, workers: Sequence[Worker]) -> None:
        """Take the workers that are ready."""
        self._control = control
        self.hellos = control.hellos
        self.workers = tuple(workers)

    def take_status(self, status: PairStatus) -> None:
        """Pass a status on to whoever follows its run."""
        self._history.setdefault(status.run_id, []).append(status)
        for listener in self._listeners.get(status.run_id, ()):
            listener.send_nowait(status)

    def take_loss(self, loss: WorkerLost) -> None:
        """Pass a loss on to everybody."""
        self._losses.append(loss)
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.send_nowait(loss)

    @property
    def losses(self) -> tuple[WorkerLost, ...]:
        """The workers that ended too early."""
        return tuple(self._losses)

    @property
    def _open_control(self) -> ControlServer:
        if self._control is None:
            msg = "the workers are not ready yet"
            raise RuntimeError(msg)
        return self._control


@asynccontextmanager
async def open_crew(seats: Sequence[Seat], control_argument: str, ready_timeout_s: float) -> AsyncIterator[LocalCrew]:
    """Start a worker on each seat, wait until all are ready, and end them at the end, whatever the end.

    Raises:
        PlacementError: A worker ended before it was ready, or was not ready in time.
    """
    crew = LocalCrew()
    async with AsyncExitStack() as stack:
        processes: list[WorkerProcess] = []
        # Called after the control connections are closed, which is what makes the workers end by themselves.
        stack.push_async_callback(_end_all, processes)
        group = await stack.enter_async_context(background_tasks())
        path = Path(control_argument.removeprefix("unix:"))
        control = await stack.enter_async_context(open_control(path, crew.take_status))
        for seat in seats:
            command = worker_command(seat.name, control_argument, seat.address, seat.namespace)
            log = path.with_name(f"{path.name}-{seat.name}.log")
            process = await start_worker(name=seat.name, node=seat.node.name, log=log, command=command)
            processes.append(process)
            group.start_soon(_watch, process, crew, control)
        await _until_ready(seats, crew, control, ready_timeout_s)
        crew.begin(control, [_worker(seat, control.hellos[seat.name].pid) for seat in seats])
        yield crew


async def _watch(process: WorkerProcess, crew: LocalCrew, control: ControlServer) -> None:
    ending = await process.wait()
    refusal = control.refusals.get(process.name)
    reason = "" if refusal is None else f"; {refusal}"
    message = f"worker {process.name} on {process.node} {ending}{reason}"
    crew.take_loss(WorkerLost(worker=process.name, message=message))
    control.wake()


async def _until_ready(seats: Sequence[Seat], crew: LocalCrew, control: ControlServer, ready_timeout_s: float) -> None:
    places = {seat.name: seat.node.name for seat in seats}
    with anyio.move_on_after(ready_timeout_s):
        while len(control.hellos) < len(seats):
            if crew.losses:
                loss = crew.losses[0]
                msg = f"not every worker became ready: {loss.message}"
                raise PlacementError(msg, worker=loss.worker, node=places[loss.worker])
            await control.changed()
        return
    missing = [seat for seat in seats if seat.name not in control.hellos]
    names = ", ".join(seat.name for seat in missing)
    reasons = "".join(f"; {name}: {reason}" for name, reason in control.refusals.items())
    msg = f"not ready within {ready_timeout_s:g} s, like {len(missing)} of {len(seats)} workers ({names}){reasons}"
    raise PlacementError(msg, worker=missing[0].name, node=missing[0].node.name)


async def _end_all(processes: Sequence[WorkerProcess]) -> None:
    with anyio.CancelScope(shield=True):
        await together(process.end for process in processes)


def _worker(seat: Seat, pid: int) -> Worker:
    return Worker(name=seat.name, node=seat.node.name, address=seat.address, zone=seat.node.zone, pid=pid)
