"""A fleet's workers as pods: followed, given requests, fired."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from itertools import accumulate
from typing import TYPE_CHECKING

import anyio

from netbench.backends.base import WorkerLost
from netbench.backends.kubernetes.arming import ARMING_CLIENTS, Arming
from netbench.backends.kubernetes.batches import batches
from netbench.backends.kubernetes.pods import ending, pod_node
from netbench.errors import ApiError, BackendError, ProtocolError
from netbench.kube.control import (
    TimeBase,
    by_client,
    read_requests,
    read_statuses,
    request_object,
)
from netbench.kube.names import CRD_NAME, RUN_LABEL
from netbench.kube.roll import Roll, roll_object
from netbench.messages import Failure, PairStatus, Phase
from netbench.tasks import together

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

    from anyio.streams.memory import MemoryObjectSendStream

    from netbench.backends.base import StatusEvent
    from netbench.backends.kubernetes.batches import Batch
    from netbench.backends.kubernetes.lease import FleetLease
    from netbench.kube.api import JsonObject, KubeApi
    from netbench.kube.names import FleetNames
    from netbench.kube.watching import Change
    from netbench.messages import ControlRecord, PairRequest, WorkerHello
    from netbench.topology import Worker

__all__ = ("KubernetesCrew",)

#: How far ahead a start lies. A write, the API server's watch cache and a worker's wake-up take some 50 ms; the rest is
#: for a busy API server, which has the more to tell the more workers there are.
_START_LEAD_S, _START_LEAD_PER_WORKER_S, _START_LEAD_MAX_S = 0.5, 0.002, 10.0
#: An API server that has just started serves custom resources some seconds after the others.
_ABSENT_S = 10.0
#: So many requests are created at once: each takes a connection, whose buffers are 0.4 MiB of the controller's memory.
_CREATED_AT_ONCE = 8
#: With so many clients in a round, the time base says for all of them that they are armed.
_ROLL_CALL_FROM = 32
_DEFINITION_GONE = (
    f"the CustomResourceDefinition {CRD_NAME} is gone that this run began with: ClusterLoader2 deletes it when it "
    "gathers. Run again; the next fleet makes it anew"
)


class KubernetesCrew:
    """Implements :class:`netbench.backends.base.Crew`.

    Args:
        api: The API server.
        names: The fleet's names.
        lease: The fleet's Lease.
        relays: The worker through which each reaches the API server; none, or None, where it does so itself.
    """

    def __init__(
        self, api: KubeApi, names: FleetNames, lease: FleetLease, relays: Mapping[str, str | None] | None = None
    ) -> None:
        self.workers: tuple[Worker, ...] = ()
        self.hellos: Mapping[str, WorkerHello] = {}
        self._api = api
        self._names = names
        self._lease = lease
        self._relays = relays or {}
        self._arming = Arming()
        self._creating = anyio.CapacityLimiter(_CREATED_AT_ONCE)
        #: Of each run its rounds that were stopped.
        self._stopped: dict[str, set[int]] = {}
        self._called: dict[str, set[str]] = {}
        #: Of each run, by the roll's name: the pairs of a round in the order of their numbers.
        self._rolls: dict[str, dict[str, list[str]]] = {}
        self._absent_since_s: float | None = None
        self._offset_ns: int | None = None
        self._losses: dict[str, WorkerLost] = {}
        self._history: dict[str, list[PairStatus]] = {}
        self._latest: dict[str, dict[str, PairStatus]] = {}
        #: Of each run, by the names of its objects: their pairs, with the client of each.
        self._pairs: dict[str, dict[str, dict[str, str]]] = {}
        self._ended: dict[str, set[str]] = {}
        self._listeners: dict[str, list[MemoryObjectSendStream[StatusEvent]]] = {}

    @property
    def start_lead_s(self) -> float:
        """How far ahead a start instant must lie."""
        return min(_START_LEAD_S + _START_LEAD_PER_WORKER_S * len(self.workers), _START_LEAD_MAX_S)

    def now_ns(self) -> int:
        """The time base's Unix time: this machine's, and what the workers' reports tell of the difference.

        A report is stamped when it is written and seen a little later, so the highest difference seen is the nearest to
        the truth, and too low by the fastest report's way: some milliseconds, with relays that gather up to 0.2 s.
        """
        return time.time_ns() + (self._offset_ns or 0)

    async def begin(self, workers: Sequence[Worker], hellos: Mapping[str, WorkerHello]) -> None:
        """Take the workers that are ready, and name the first one's clock as the time base."""
        self.workers = tuple(workers)
        self.hellos = dict(hellos)
        await self._name_time_base()

    async def submit(self, requests: Sequence[PairRequest]) -> None:
        """Create a request for each client worker; the last one when there is room for it to arm."""
        base = self._lease.time_base
        if base is None or base.worker in self._losses:
            self._offset_ns = None
            await self._name_time_base()
        free = [mine for client, mine in by_client(requests).items() if not self._is_busy(client, mine)]
        asked = batches(free, self._relays)
        try:
            numbers = await self._call_roll(asked) if len(free) >= _ROLL_CALL_FROM else [None] * len(asked)
        except ApiError as error:
            self._take_refusal(error, asked)
            return
        waiting = iter(zip(asked, numbers, strict=True))
        at_once = max(1, ARMING_CLIENTS * len(asked) // max(1, len(free)))
        await together([partial(self._ask, waiting) for _ in asked[:at_once]])

    async def publish(self, record: ControlRecord) -> None:
        """Fire or stop a round: one write."""
        if record.stop:
            self._stopped.setdefault(record.run_id, set()).add(record.round_index)
            self._arming.give_up(record.run_id)
        await self._lease.publish(record)

    @asynccontextmanager
    async def statuses(self, run_id: str) -> AsyncIterator[AsyncIterator[StatusEvent]]:
        """Stream a run's statuses and the fleet's losses, from their beginning."""
        send, receive = anyio.create_memory_object_stream["StatusEvent"](float("inf"))
        listeners = self._listeners.setdefault(run_id, [])
        listeners.append(send)
        for event in (*self._losses.values(), *self._history.get(run_id, ())):
            send.send_nowait(event)
        try:
            with send, receive:
                yield receive
        finally:
            listeners.remove(send)

    async def forget(self, run_id: str) -> None:
        """Remove the run's requests. Should that fail, they go with the fleet."""
        self._history.pop(run_id, None)
        self._latest.pop(run_id, None)
        self._listeners.pop(run_id, None)
        self._pairs.pop(run_id, None)
        self._ended.pop(run_id, None)
        self._stopped.pop(run_id, None)
        self._called.pop(run_id, None)
        self._rolls.pop(run_id, None)
        await self._lease.forget(run_id)
        try:
            await self._api.delete_all(
                self._names.requests, labelSelector=f"{self._names.selector},{RUN_LABEL}={run_id}"
            )
        except BackendError:
            return

    def take_pod(self, change: Change) -> None:
        """Take a change of a pod: a worker that ends is lost."""
        if change.kind == "listed":
            return
        name = change.value["metadata"]["name"]
        if name in self._losses or name not in self.hellos:
            return
        how = "it was deleted" if change.kind == "deleted" else ending(change.value)
        if how is not None:
            self._take_loss(name, f"the pod {name} on {pod_node(change.value) or 'no node'}: {how}")

    def take_request(self, change: Change) -> None:
        """Take a change of a request: its pairs' statuses."""
        if change.kind == "absent":
            self._take_absence()
            return
        self._absent_since_s = None
        if change.kind == "listed":
            return
        value = change.value
        run_id = (value["metadata"].get("labels") or {}).get(RUN_LABEL, "")
        if run_id not in self._pairs:
            return
        if change.kind == "deleted":
            self._take_deleted(run_id, value)
            return
        try:
            self._take_roll(run_id, value)
            for status in read_statuses(value, self._ended.get(run_id, ())):
                self._take_status(status)
        except ProtocolError as error:
            self._fail(run_id, self._pairs[run_id].get(value["metadata"]["name"], {}), "protocol", str(error))

    async def _name_time_base(self) -> None:
        alive = next((worker for worker in self.workers if worker.name not in self._losses), None)
        if alive is not None:
            port = self.hellos[alive.name].peer_port
            await self._lease.name_time_base(TimeBase(worker=alive.name, host=alive.address, peer_port=port))

    def _take_absence(self) -> None:
        """A definition that is gone takes all requests along, those too that no watch has told of."""
        now_s = anyio.current_time()
        self._absent_since_s = now_s if self._absent_since_s is None else self._absent_since_s
        if now_s - self._absent_since_s < _ABSENT_S:
            return
        for run_id, objects in self._pairs.items():
            for clients in objects.values():
                ended = self._ended.get(run_id, ())
                lost = {pair_id: client for pair_id, client in clients.items() if pair_id not in ended}
                self._fail(run_id, lost, "stopped", _DEFINITION_GONE)

    def _take_roll(self, run_id: str, value: JsonObject) -> None:
        pair_ids = self._rolls.get(run_id, {}).get(value["metadata"]["name"])
        roll = None if pair_ids is None else Roll.of(value)
        if pair_ids is None or roll is None:
            return
        if roll.armed >> len(pair_ids):
            msg = f"the roll {value['metadata']['name']} has pairs that nobody has asked for"
            raise ProtocolError(msg)
        called = self._called.setdefault(run_id, set())
        for pair_id in [pair_ids[number] for number in roll.numbers() if pair_ids[number] not in called]:
            called.add(pair_id)
            latest = self._latest.get(run_id, {}).get(pair_id)
            if latest is None or latest.phase is Phase.ARMING:
                self._take_status(
                    PairStatus(run_id=run_id, pair_id=pair_id, phase=Phase.ARMED, reported_ns=roll.written_ns)
                )

    async def _call_roll(self, asked: Sequence[Batch]) -> list[int]:
        """Make the round's roll, and give the number of each object's first pair in it."""
        run_id, round_index = asked[0].requests[0].run_id, asked[0].requests[0].round_index
        self._rolls.setdefault(run_id, {})[self._names.roll(run_id, round_index)] = [
            request.pair_id for batch in asked for request in batch.requests
        ]
        await self._api.create(self._names.requests, roll_object(self._names, run_id, round_index))
        return list(accumulate((len(batch.requests) for batch in asked[:-1]), initial=0))

    def _is_busy(self, client: str, requests: Sequence[PairRequest]) -> bool:
        """Whether the client has another run's request: most have its name, for a worker need watch but one name."""
        run_id = requests[0].run_id
        runs = ((run, objects.values()) for run, objects in self._pairs.items() if run != run_id)
        busy_with = next((run for run, objects in runs if any(client in each.values() for each in objects)), None)
        if busy_with is not None:
            message = f"{client} is the client of {busy_with}, which is still under way; wait for its end"
            self._fail(run_id, dict.fromkeys(_ids(requests), client), "refused", message)
        return busy_with is not None

    async def _ask(self, waiting: Iterator[tuple[Batch, int | None]]) -> None:
        """Create one object after the other, each when the pairs of the one before are armed."""
        for batch, roll_number in waiting:
            run_id = batch.requests[0].run_id
            if batch.requests[0].round_index in self._stopped.get(run_id, ()):
                message = "the run was stopped before this pair was asked to arm"
                self._fail(run_id, batch.clients, "stopped", message)
                continue
            pairs = self._pairs.setdefault(run_id, {})
            replaced = batch.name in pairs
            pairs[batch.name] = batch.clients
            async with self._arming.of(run_id, batch.clients):
                await self._create(batch, roll_number, replaced=replaced)

    async def _create(self, batch: Batch, roll_number: int | None, *, replaced: bool) -> None:
        value = request_object(self._names, batch.name, batch.requests, roll_number=roll_number, relay=batch.relay)
        try:
            async with self._creating:
                await self._put(batch.name, value, replaced=replaced)
        except ApiError as error:
            self._take_refusal(error, [batch])

    def _take_refusal(self, error: ApiError, asked: Iterable[Batch]) -> None:
        """Fail the pairs whose object cannot be made since there is no such kind of object any more."""
        if error.status != HTTPStatus.NOT_FOUND:
            raise error
        for batch in asked:
            self._fail(batch.requests[0].run_id, batch.clients, "stopped", _DEFINITION_GONE)

    async def _put(self, name: str, value: JsonObject, *, replaced: bool) -> None:
        if replaced:
            # The last round's. Its statuses are known, and a worker tells two objects of one name apart.
            await self._api.delete(f"{self._names.requests}/{name}")
        there = await self._api.create(self._names.requests, value)
        if there["metadata"]["labels"][RUN_LABEL] != value["metadata"]["labels"][RUN_LABEL]:
            # A run's that has ended, and could not be removed then.
            await self._api.delete(f"{self._names.requests}/{name}")
            await self._api.create(self._names.requests, value)

    def _take_deleted(self, run_id: str, value: JsonObject) -> None:
        try:
            ids = _ids(read_requests(value, self._names.fleet))
        except ProtocolError:
            return
        clients = self._pairs[run_id].get(value["metadata"]["name"], {})
        if ids and ids == list(clients):
            message = "somebody deleted its request, alone or with the CustomResourceDefinition"
            self._fail(run_id, clients, "stopped", message)

    def _fail(self, run_id: str, clients: Mapping[str, str], reason: str, message: str) -> None:
        for pair_id, client in clients.items():
            failure = Failure(phase=Phase.PENDING, reason=reason, message=message, worker=client)
            self._take_status(PairStatus(run_id=run_id, pair_id=pair_id, phase=Phase.FAILED, failure=failure))

    def _take_status(self, status: PairStatus) -> None:
        latest = self._latest.setdefault(status.run_id, {})
        if latest.get(status.pair_id) == status:
            # Each object is told whole each time one of its pairs changes.
            return
        if status.phase is Phase.ARMING and status.pair_id in self._called.get(status.run_id, ()):
            # The roll was quicker than the pair's own word from before.
            return
        latest[status.pair_id] = status
        self._arming.take(status)
        if status.reported_ns is not None:
            seen = status.reported_ns - time.time_ns()
            self._offset_ns = seen if self._offset_ns is None else max(self._offset_ns, seen)
        self._history.setdefault(status.run_id, []).append(status)
        if status.phase.final:
            self._ended.setdefault(status.run_id, set()).add(status.pair_id)
        for listener in self._listeners.get(status.run_id, ()):
            listener.send_nowait(status)

    def _take_loss(self, worker: str, message: str) -> None:
        self._losses[worker] = WorkerLost(worker=worker, message=message)
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.send_nowait(self._losses[worker])


def _ids(requests: Iterable[PairRequest]) -> list[str]:
    return [request.pair_id for request in requests]
