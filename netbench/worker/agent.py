"""A worker's life: say hello, take sessions as a server, carry out requests as a client."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import anyio
from anyio.abc import SocketAttribute

from netbench.clock import Window
from netbench.messages import (
    PROTOCOL_VERSION,
    Failure,
    PairOutcome,
    PairStatus,
    Phase,
    WorkerHello,
)
from netbench.metrics import TcpReceiverRecord
from netbench.worker.clock_exchange import clock_service
from netbench.worker.drivers.catalog import available_drivers
from netbench.worker.host import host_facts
from netbench.worker.peer.client import open_session
from netbench.worker.peer.failing import SessionError, failure_from
from netbench.worker.peer.server import PeerServer
from netbench.worker.strangers import Strangers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from netbench.clock import ClockComparison
    from netbench.messages import ControlRecord, PairRequest
    from netbench.worker.control.base import WorkerControl
    from netbench.worker.peer.client import ClientSession
    from netbench.worker.timing import WorkerClock

__all__ = ("serve",)

#: What a run may take beyond its window: the drivers' own grace for a blocked sender, and the way there and back.
_RUN_GRACE_S = 10.0
#: How long an armed pair waits for the start beyond the time that the slowest pair may take to be armed; more than the
#: controller's own margin, or the pairs that are armed would give up because of one that is not.
_FIRE_GRACE_S = 10.0
#: A pair that hears of the start instant this long after it does not start any more.
_LATE_LIMIT_S = 1.0
_NS = 1_000_000_000


async def serve(control: WorkerControl, name: str, listen_host: str, clock: WorkerClock) -> None:
    """Serve until the controller lets this worker go or is gone.

    Args:
        control: The connection to the controller.
        name: This worker's name.
        listen_host: Address at which other workers reach it.
        clock: Its clock.
    """
    programs = available_drivers()
    strangers = Strangers()
    async with (
        clock_service(listen_host, clock, strangers) as service,
        await anyio.create_tcp_listener(local_host=listen_host, local_port=0) as listener,
        anyio.create_task_group() as group,
    ):
        peer = PeerServer(
            worker=name,
            listen_host=listen_host,
            clock=clock,
            programs=programs,
            key=control.key,
            clock_service=service,
            strangers=strangers,
            note_armed=control.note_armed,
            relay=control.relay,
        )
        group.start_soon(listener.serve, peer.handle)
        hello = WorkerHello(
            worker=name,
            protocol=PROTOCOL_VERSION,
            pid=os.getpid(),
            address=listen_host,
            peer_port=listener.extra(SocketAttribute.local_port),  # noqa: S610 - not Django's
            drivers=programs,
            host=host_facts(listen_host),
        )
        await control.announce(hello)
        async for request in control.requests():
            group.start_soon(_PairTask(control, name, clock, programs, request).run)
        group.cancel_scope.cancel()


class _Orders:
    """What the controller has said of a round so far."""

    def __init__(self) -> None:
        self.start_ns = 0
        self.started = anyio.Event()
        self.stopped = anyio.Event()

    def take(self, record: ControlRecord) -> None:
        if record.start_ns is not None and not self.started.is_set():
            self.start_ns = record.start_ns
            self.started.set()
        if record.stop:
            self.stopped.set()


class _PairTask:
    """One request, from its arrival to its final status."""

    def __init__(
        self,
        control: WorkerControl,
        name: str,
        clock: WorkerClock,
        programs: Mapping[str, str],
        request: PairRequest,
    ) -> None:
        self._control = control
        self._name = name
        self._clock = clock
        self._program = programs.get(request.driver, "")
        self._request = request
        self._phase = Phase.PENDING
        self._base: ClockComparison | None = None

    async def run(self) -> None:
        """Carry the request out; whatever happens, a final status says so."""
        try:
            outcome = await self._measure()
        except Exception as error:  # noqa: BLE001 - every failure becomes a status
            await self._report(Phase.FAILED, failure=failure_from(error, self._phase, self._name))
        else:
            await self._report(Phase.DONE, outcome=outcome)

    async def _measure(self) -> PairOutcome:
        request = self._request
        await self._report(Phase.ARMING)
        async with (
            self._orders() as orders,
            open_session(request, self._clock, self._program, self._control.key) as session,
        ):
            async with anyio.create_task_group() as group:
                group.start_soon(self._refuse_when_stopped, orders)
                with self._deadline(request.arm_timeout_s, f"the server worker {request.server} was not armed"):
                    await session.arm()
                    self._base = await self._control.compare_clock(request.arm_timeout_s / 2)
                await self._report(Phase.ARMED)
                limit_s = request.arm_timeout_s + _FIRE_GRACE_S
                with self._deadline(limit_s, "the controller published no start instant"):
                    await orders.started.wait()
                group.cancel_scope.cancel()
            window = self._window(orders.start_ns)
            self._refuse_late(window)
            achieved_ns = await self._fire(session, orders, window)
            await self._report(Phase.GATHERING)
            with self._deadline(request.gather_timeout_s, f"the server worker {request.server} sent no report"):
                outcome = await session.gather(window, achieved_ns, self._base, orders.start_ns)
        self._refuse_empty(outcome)
        return outcome

    async def _fire(self, session: ClientSession, orders: _Orders, window: Window) -> int:
        await self._report(Phase.RUNNING)

        async def obey_stop() -> None:
            await orders.stopped.wait()
            await session.stop()

        limit_s = (window.end_ns - self._clock.now_ns()) / _NS + self._request.traffic.tail_s + _RUN_GRACE_S
        async with anyio.create_task_group() as group:
            group.start_soon(obey_stop)
            with self._deadline(limit_s, "the traffic did not end"):
                achieved_ns = await session.fire(window)
            group.cancel_scope.cancel()
        return achieved_ns

    @property
    def _to_base_ns(self) -> int:
        return 0 if self._base is None else self._base.offset_ns

    def _window(self, start_ns: int) -> Window:
        """The asked window on this worker's clock."""
        request = self._request
        return Window(
            start_ns=start_ns - self._to_base_ns,
            warmup_ns=round(request.warmup_s * _NS),
            duration_ns=round(request.duration_s * _NS),
            interval_ns=round(request.interval_s * _NS),
        )

    def _refuse_late(self, window: Window) -> None:
        """A pair that hears of the start long after it must not send into somebody else's quiet."""
        late_s = (self._clock.now_ns() - window.start_ns) / _NS
        if late_s > _LATE_LIMIT_S:
            raise self._error("late", f"it heard of the start instant {late_s:.1f} s after it")

    def _refuse_empty(self, outcome: PairOutcome) -> None:
        """A pair that measured nothing has failed; its zeros must not pass for a measurement."""
        if outcome.timing.counted_until_ns <= outcome.timing.counted_from_ns:
            raise self._error("stopped", "it was stopped before anything counted")
        for record in (*outcome.client.records, *outcome.server.records):
            if isinstance(record, TcpReceiverRecord) and not sum(record.stream_bytes):
                raise self._error("no-traffic", f"no byte arrived in the {record.direction} direction")

    @asynccontextmanager
    async def _orders(self) -> AsyncIterator[_Orders]:
        orders = _Orders()

        async def follow() -> None:
            async with self._control.records(self._request.run_id) as records:
                async for record in records:
                    if record.round_index == self._request.round_index:
                        orders.take(record)

        async with anyio.create_task_group() as group:
            group.start_soon(follow)
            yield orders
            group.cancel_scope.cancel()

    async def _refuse_when_stopped(self, orders: _Orders) -> None:
        await orders.stopped.wait()
        raise self._error("stopped", "it was stopped before it started")

    @contextmanager
    def _deadline(self, seconds: float, message: str) -> Iterator[None]:
        try:
            with anyio.fail_after(max(seconds, 0)):
                yield
        except TimeoutError as error:
            raise self._error("timeout", f"{message} within {max(seconds, 0):.1f} s") from error

    def _error(self, reason: str, message: str) -> SessionError:
        return SessionError(Failure(phase=self._phase, reason=reason, message=message))

    async def _report(
        self, phase: Phase, *, failure: Failure | None = None, outcome: PairOutcome | None = None
    ) -> None:
        if not phase.final:
            self._phase = phase
        status = PairStatus(
            run_id=self._request.run_id,
            pair_id=self._request.pair_id,
            phase=phase,
            failure=failure,
            outcome=outcome,
            reported_ns=None if self._base is None else self._clock.now_ns() + self._to_base_ns,
        )
        await self._control.report(status)
