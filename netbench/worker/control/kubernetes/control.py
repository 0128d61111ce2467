"""A worker's control through objects of the API server."""

from __future__ import annotations

import random
import sys
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio
from anyio import AsyncContextManagerMixin

from netbench.clock import ClockComparison
from netbench.errors import ApiError, DriverError, ProtocolError
from netbench.kube.control import LEASE_DURATION_S, FleetControl, status_of
from netbench.kube.names import CONTROL_ANNOTATION
from netbench.messages import ControlRecord, PairRequest, PairStatus, Phase
from netbench.tasks import background_tasks
from netbench.worker.control.kubernetes.outbox import Outbox
from netbench.worker.control.kubernetes.rollcall import RollCall
from netbench.worker.control.kubernetes.summary import cl2_metrics, throughput_text
from netbench.worker.control.kubernetes.underway import UnderWay
from netbench.worker.peer.base import read_clock, say_armed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from typing import Self

    from anyio.streams.memory import MemoryObjectSendStream

    from netbench.framing import FrameStream
    from netbench.kube.api import JsonObject
    from netbench.kube.control import TimeBase
    from netbench.kube.names import FleetNames
    from netbench.kube.watching import Change
    from netbench.messages import PairKey, WorkerHello
    from netbench.worker.control.kubernetes.link import Link
    from netbench.worker.control.kubernetes.relay import Relay
    from netbench.worker.timing import WorkerClock

__all__ = ("KubernetesControl",)

_FOREVER = float("inf")
#: A time base that did not answer in time is asked again after so long.
_ASK_AGAIN_S = (0.1, 1.0)


class KubernetesControl(AsyncContextManagerMixin):
    """Implements :class:`netbench.worker.control.base.WorkerControl`.

    Args:
        link: What is between this worker and the API server.
        names: The fleet's names.
        pod: This worker's name, its pod's.
        key: The fleet's key.
        clock: This worker's clock.
        relay: What serves the workers that reach the API server through this one.
    """

    def __init__(
        self, link: Link, names: FleetNames, pod: str, key: bytes, clock: WorkerClock, *, relay: Relay | None = None
    ) -> None:
        self._link = link
        self._relay = relay
        self._names = names
        self._pod = pod
        self._key = key
        self._clock = clock
        self._request_sender, self._requests = anyio.create_memory_object_stream[PairRequest](_FOREVER)
        self._under_way = UnderWay(names.fleet, pod)
        self._control = FleetControl()
        self._followers: dict[str, list[MemoryObjectSendStream[ControlRecord]]] = {}
        self._outbox = Outbox()
        self._roll_call = RollCall(link, clock)
        #: The newest word of each pair that has not ended.
        self._told: dict[PairKey, PairStatus] = {}
        self._armed_sender, self._armed = anyio.create_memory_object_stream[PairStatus](_FOREVER)
        self._renewed = ""
        self._lasts_s = float(LEASE_DURATION_S)
        self._deadline_s = 0.0

    @property
    def key(self) -> bytes:
        """The fleet's key."""
        return self._key

    @property
    def time_base(self) -> TimeBase | None:
        """The worker whose clock is the time base; None until the controller has named one."""
        return self._control.time_base

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self, None]:
        """Follow the fleet's Lease and this worker's requests until the end.

        Raises:
            BackendError: The API server refuses this worker.
        """
        self._deadline_s = anyio.current_time() + self._lasts_s
        with self._request_sender, self._requests, self._armed_sender, self._armed:
            async with background_tasks() as group:
                group.start_soon(self._link.follow, self)
                group.start_soon(self._write_statuses)
                group.start_soon(self._roll_call.write)
                group.start_soon(self._answer_roll_calls)
                group.start_soon(self._end_with_lease)
                yield self

    async def announce(self, hello: WorkerHello) -> None:
        """Say who is here and ready."""
        await self._link.announce(hello)

    async def requests(self) -> AsyncIterator[PairRequest]:
        """Stream the requests for this worker; ends when the fleet ends or its controller is gone."""
        async for request in self._requests:
            yield request

    @asynccontextmanager
    async def records(self, run_id: str) -> AsyncIterator[AsyncIterator[ControlRecord]]:
        """Stream a run's control records, those included that came before."""
        send, receive = anyio.create_memory_object_stream[ControlRecord](_FOREVER)
        followers = self._followers.setdefault(run_id, [])
        followers.append(send)
        for record in self._control.records:
            if record.run_id == run_id:
                send.send_nowait(record)
        try:
            with send, receive:
                yield receive
        finally:
            followers.remove(send)
            if not followers:
                self._followers.pop(run_id, None)

    async def report(self, status: PairStatus) -> None:
        """Have a status written. It does not wait for the API server, so that a busy one cannot delay a start."""
        if status.phase.final:
            # A worker lives for thousands of pairs, and their results are large.
            self._told.pop(status.key, None)
        else:
            self._told[status.key] = status
        called = self._called(status)
        if status.phase is Phase.ARMED and called is not None:
            self._outbox.drop(status.key)
            self._armed_sender.send_nowait(status)
        else:
            self._outbox.put(status, of_many=called is not None)

    def _called(self, status: PairStatus) -> tuple[int, int] | None:
        """Give round and number of a pair that the time base is to hear of."""
        asked = self._under_way.get(status.key)
        return None if asked is None else asked.called

    def note_armed(self, run_id: str, round_index: int, number: int) -> None:
        """Take another worker's word that its pair is armed, as the time base does."""
        self._roll_call.note(self._names.roll(run_id, round_index), number)

    async def relay(self, frames: FrameStream, worker: str) -> None:
        """Serve another worker that reaches the controller through this one, until it is gone."""
        if self._relay is not None:
            await self._relay.serve(frames, worker)

    async def compare_clock(self, timeout_s: float) -> ClockComparison | None:
        """Compare this worker's clock with that of the worker which is the time base.

        All workers of a fleet ask it at once, and one of hundreds may not be answered the first time.

        Args:
            timeout_s: How long it may be asked again.

        Raises:
            DriverError: It cannot be reached.
        """
        base = self._control.time_base
        if base is None:
            msg = "the controller has named no time base"
            raise DriverError(msg, reason="protocol")
        if base.worker == self._pod:
            return ClockComparison(offset_ns=0, bound_ns=0, samples=1)
        deadline = anyio.current_time() + timeout_s
        while True:
            try:
                return await read_clock(base, self._key, self._clock)
            except DriverError as error:
                pause_s = random.uniform(*_ASK_AGAIN_S)  # noqa: S311 - no secret
                if error.reason != "timeout" or anyio.current_time() + pause_s >= deadline:
                    raise
                await anyio.sleep(pause_s)

    async def _answer_roll_calls(self) -> None:
        async for status in self._armed:
            called = self._called(status)
            if called is None or self._told.get(status.key) is not status:
                continue
            try:
                await self._answer_roll_call(status.run_id, *called)
            except DriverError:
                # A time base that has no time, or is gone, must not keep a pair from being armed.
                if self._told.get(status.key) is status:
                    self._outbox.put(status)

    async def _answer_roll_call(self, run_id: str, round_index: int, number: int) -> None:
        base = self._control.time_base
        if base is None:
            msg = "the controller has named no time base"
            raise DriverError(msg, reason="protocol")
        if base.worker == self._pod:
            self.note_armed(run_id, round_index, number)
        else:
            await say_armed(base, self._key, run_id, round_index, number)

    @property
    def is_busy(self) -> bool:
        """Whether a pair is under way."""
        return bool(self._under_way)

    def take_lease(self, change: Change) -> None:
        """Take a change of the fleet's Lease: signs of life, and what the controller says to all workers at once."""
        if change.kind == "listed":
            return
        if change.kind == "deleted":
            self._end("the fleet has ended")
            return
        spec: dict[str, Any] = change.value["spec"]
        self._lasts_s = float(spec["leaseDurationSeconds"])
        if spec["renewTime"] != self._renewed:
            # The renewal's own time is of another clock: what counts is that it came.
            self._renewed = spec["renewTime"]
            self._deadline_s = anyio.current_time() + self._lasts_s
        text = (change.value["metadata"].get("annotations") or {}).get(CONTROL_ANNOTATION)
        if text:
            self._take_control(FleetControl.from_text(text))

    def _take_control(self, control: FleetControl) -> None:
        before, self._control = self._control, control
        for record in control.records:
            if record not in before.records:
                for follower in self._followers.get(record.run_id, ()):
                    follower.send_nowait(record)

    def take_request(self, change: Change) -> None:
        """Take a change of a request: its pairs, once each."""
        if change.kind != "present":
            return
        try:
            for request in self._under_way.take(change.value):
                self._request_sender.send_nowait(request)
        except ProtocolError as error:
            print(f"a request cannot be understood: {error}", file=sys.stderr)  # noqa: T201 - the log of this pod

    async def _end_with_lease(self) -> None:
        while anyio.current_time() < self._deadline_s:  # noqa: ASYNC110 - it is the clock that is waited for
            # Each renewal moves the deadline on.
            await anyio.sleep_until(self._deadline_s)
        self._end(f"the controller gave no sign of life for {self._lasts_s:g} s")

    def _end(self, why: str) -> None:
        print(f"worker {self._pod}: {why}", file=sys.stderr)  # noqa: T201 - the log of this pod
        self._request_sender.close()

    async def _write_statuses(self) -> None:
        while True:
            by_object: dict[str, list[PairStatus]] = {}
            for status in await self._outbox.take():
                asked = self._under_way.get(status.key)
                if asked is None:
                    continue
                if status.phase.final:
                    self._under_way.end(status.key)
                by_object.setdefault(asked.object_name, []).append(status)
            for name, statuses in by_object.items():
                await self._write(name, statuses)

    async def _write(self, name: str, statuses: list[PairStatus]) -> None:
        try:
            await self._link.write_status(name, _status_patch(statuses))
        except ApiError as error:
            # Whoever removed the request does not wait for its result.
            if error.status != HTTPStatus.NOT_FOUND:
                print(f"a status could not be written: {error}", file=sys.stderr)  # noqa: T201 - the log of this pod


def _status_patch(statuses: list[PairStatus]) -> JsonObject:
    patch: JsonObject = {"pairs": {status.pair_id: status_of(status) for status in statuses}}
    # The fields for ClusterLoader2 and kubectl show the pair that was heard of last.
    last = statuses[-1]
    patch["phase"] = last.phase.value
    if last.failure is not None:
        patch["error"] = f"{last.failure.reason}: {last.failure.message}"
    if last.outcome is not None:
        patch["metrics"] = cl2_metrics(last.outcome)
        patch["error"] = ""
        patch["workerDelay"] = last.outcome.timing.start_lateness_ns / 1e9
        throughput = throughput_text(last.outcome)
        if throughput is not None:
            patch["throughput"] = throughput
    return patch
