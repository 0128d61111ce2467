"""What a worker does for the others of its group in a large fleet: it alone talks to the API server.

Thousands of workers that each have connections and watches of their own cost an API server as much as their pods do.
A session of two workers carries these words, after the handshake that all their sessions begin with::

    to the relay     relay {worker}                        the first word: who is here
                     hello {number, hello}                 what it says of itself
                     status {number, name, status}         what is to be merged into a request's status
    from the relay   lease {change, value}                 a change of the fleet's Lease, the present one first
                     request {value}                       a request, with the pairs of this worker and no others
                     done {number}                         a hello or status is written
                     refused {number, status, reason, message}   or is not, and why
                     alive {}                              now and then, when there is nothing to say
"""

from __future__ import annotations

import re
import sys
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio
import attrs

from netbench.errors import ApiError, BackendError, ProtocolError
from netbench.framing import GONE
from netbench.kube.control import split_by_client
from netbench.kube.watching import Change
from netbench.messages import WorkerHello, from_wire
from netbench.tasks import background_tasks, together

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from anyio.abc import TaskGroup
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

    from netbench.framing import FrameStream
    from netbench.kube.api import JsonObject
    from netbench.worker.control.kubernetes.link import ApiLink, Listener

__all__ = ("Relay",)

T = TypeVar("T")

#: Hellos that come within this time go into one Lease.
_GATHER_S = 0.5
#: Statuses of one object that come within this time are one write. Most pairs of a group end at the same time.
_GATHER_STATUSES_S = 0.1
#: A relay that is silent for long is taken for one that hangs, and an API server that is away has nothing to tell.
_ALIVE_EVERY_S = 5.0
#: What of an object's metadata a worker looks at.
_METADATA = ("name", "uid", "labels", "annotations")
#: What an object of the API server may be called.
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")


@attrs.frozen
class _Member:
    """A worker whose relay this is; what it is told waits until its connection takes it."""

    name: str
    words: MemoryObjectSendStream[dict[str, Any]]

    def tell(self, word: dict[str, Any]) -> None:
        """Have it told something; one that is gone needs no answer."""
        try:
            self.words.send_nowait(word)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return

    async def answer(self, number: int, writing: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have something written, and tell it how that went."""
        try:
            await writing()
        except BackendError as error:
            status, reason = (error.status, error.reason) if isinstance(error, ApiError) else (0, "")
            refusal = {"status": status, "reason": reason, "message": str(error)}
            self.tell({"kind": "refused", "number": number, **refusal})
        else:
            self.tell({"kind": "done", "number": number})


class _Written:
    """Whether something is written that goes into one write with others."""

    def __init__(self) -> None:
        self._error: BackendError | None = None
        self._is_over = anyio.Event()

    def end(self, error: BackendError | None) -> None:
        """Say that it was written, or was not."""
        self._error = error
        self._is_over.set()

    async def wait(self) -> None:
        """Wait until it is written.

        Raises:
            BackendError: It was not.
        """
        await self._is_over.wait()
        if self._error is not None:
            raise self._error


class _Gathered(Generic[T]):
    """What several workers say, to be written together.

    Args:
        within_s: What comes within this time after the first goes with it.
    """

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._waiting: list[tuple[T, _Written]] = []
        self._came = anyio.Event()

    async def put(self, said: T) -> None:
        """Have it written, and wait for that.

        Raises:
            BackendError: It was not.
        """
        written = _Written()
        self._waiting.append((said, written))
        self._came.set()
        await written.wait()

    async def take(self) -> list[tuple[T, _Written]]:
        """Wait for something, and give all that waits then; whoever takes it must end each."""
        await self._came.wait()
        await anyio.sleep(self._within_s)
        self._came = anyio.Event()
        taken, self._waiting = self._waiting, []
        return taken


class Relay:
    """Implements :class:`~netbench.worker.control.kubernetes.link.Link` for its own worker, and serves the others.

    Args:
        link: To the API server; it tells of the requests of the whole group.
        pod: This worker's name, its pod's.
    """

    def __init__(self, link: ApiLink, pod: str) -> None:
        self._link = link
        self._pod = pod
        self._members: dict[str, _Member] = {}
        self._lease: dict[str, Any] | None = None
        #: By the names of their objects, which tell of several clients, and by those.
        self._requests: dict[str, dict[str, JsonObject]] = {}
        self._hellos = _Gathered[WorkerHello](_GATHER_S)
        #: Each with the name of its object.
        self._statuses = _Gathered["tuple[str, JsonObject]"](_GATHER_STATUSES_S)

    async def announce(self, hello: WorkerHello) -> None:
        """Say that this worker is ready."""
        await self._link.announce(hello)

    async def write_status(self, name: str, status: JsonObject) -> None:
        """Merge a status into that of a request, together with what others say of it at the same time.

        Raises:
            ApiError: The API server refuses it, or there is no such request.
        """
        await self._statuses.put((name, status))

    async def follow(self, listener: Listener) -> None:
        """Tell this worker and the others what changes, until cancelled.

        Raises:
            BackendError: The API server refuses this worker.
        """
        async with background_tasks() as group:
            group.start_soon(self._write_hellos)
            group.start_soon(self._write_statuses)
            await self._link.follow(_Ears(self, listener))

    async def serve(self, frames: FrameStream, worker: str) -> None:
        """Serve another worker until it is gone.

        Raises:
            ProtocolError: It says what cannot be understood.
        """
        words, waiting = anyio.create_memory_object_stream[dict[str, Any]](float("inf"))
        # A worker that comes once more has given up its last session.
        member = self._members[worker] = _Member(worker, words)
        if self._lease is not None:
            member.tell(self._lease)
        for clients in self._requests.values():
            if worker in clients:
                member.tell({"kind": "request", "value": clients[worker]})
        try:
            with words, waiting:
                async with background_tasks() as group:
                    group.start_soon(self._hear, frames, member, group)
                    while True:
                        await frames.send(await _next(waiting))
        except GONE:
            return
        finally:
            if self._members.get(worker) is member:
                del self._members[worker]

    async def _hear(self, frames: FrameStream, member: _Member, group: TaskGroup) -> None:
        while True:
            match await frames.receive():
                case {"kind": "hello", "number": int(number), "hello": hello}:
                    group.start_soon(member.answer, number, partial(self._hellos.put, from_wire(hello, WorkerHello)))
                case {"kind": "status", "number": int(number), "name": str(name), "status": dict(status)}:
                    if not _NAME.fullmatch(name):
                        msg = f"worker {member.name} has a status for {name!r}, which is no name of a request"
                        raise ProtocolError(msg)
                    group.start_soon(member.answer, number, partial(self.write_status, name, status))
                case other:
                    msg = f"worker {member.name} said what is not for a relay: {str(other)[:80]}"
                    raise ProtocolError(msg)

    async def _write_hellos(self) -> None:
        for number in count():
            hellos = await self._hellos.take()
            failure: BackendError | None = None
            try:
                await self._link.write_hellos(f"{self._pod}-{number}", [hello for hello, _ in hellos])
            except BackendError as error:
                # Nobody else has this name: an answer was lost, and the call made again.
                if not isinstance(error, ApiError) or error.reason != "AlreadyExists":
                    failure = error
            for _, written in hellos:
                written.end(failure)

    async def _write_statuses(self) -> None:
        while True:
            by_name: dict[str, list[tuple[JsonObject, _Written]]] = {}
            for (name, status), written in await self._statuses.take():
                by_name.setdefault(name, []).append((status, written))
            # All before the next ones are taken, so that none overtakes an older one.
            await together(partial(self._write_status, name, statuses) for name, statuses in by_name.items())

    async def _write_status(self, name: str, statuses: Sequence[tuple[JsonObject, _Written]]) -> None:
        failure: BackendError | None = None
        try:
            await self._link.write_status(name, _merged(status for status, _ in statuses))
        except BackendError as error:
            failure = error
        for _, written in statuses:
            written.end(failure)

    def pass_on_lease(self, change: Change) -> None:
        """Tell the others of a change of the fleet's Lease."""
        if change.kind in {"present", "deleted"}:
            self._lease = {"kind": "lease", "change": change.kind, "value": _told(change.value)}
            for member in self._members.values():
                member.tell(self._lease)

    def pass_on_request(self, change: Change) -> JsonObject | None:
        """Tell each client its part of a request that is new, and give this worker's own."""
        if not change.value:
            return None
        metadata = change.value["metadata"]
        known = self._requests.pop(metadata["name"], {})
        if change.kind == "deleted":
            return None
        if any(part["metadata"]["uid"] == metadata["uid"] for part in known.values()):
            # It changes with each status that is written, and nothing of that is for its clients.
            self._requests[metadata["name"]] = known
            return None
        try:
            clients = split_by_client(_told(change.value))
        except ProtocolError as error:
            print(f"a request cannot be understood: {error}", file=sys.stderr)  # noqa: T201 - the log of this pod
            return None
        self._requests[metadata["name"]] = clients
        for client in clients.keys() & self._members.keys():
            self._members[client].tell({"kind": "request", "value": clients[client]})
        return clients.get(self._pod)


@attrs.frozen
class _Ears:
    """Implements :class:`~netbench.worker.control.kubernetes.link.Listener`, for the relay's worker and the others."""

    relay: Relay
    own: Listener

    @property
    def is_busy(self) -> bool:
        return self.own.is_busy

    def take_lease(self, change: Change) -> None:
        self.relay.pass_on_lease(change)
        self.own.take_lease(change)

    def take_request(self, change: Change) -> None:
        part = self.relay.pass_on_request(change)
        if part is not None:
            self.own.take_request(Change("present", part))


async def _next(waiting: MemoryObjectReceiveStream[dict[str, Any]]) -> dict[str, Any]:
    """Give what waits to be said, or a sign of life where that takes long."""
    with anyio.move_on_after(_ALIVE_EVERY_S):
        return await waiting.receive()
    return {"kind": "alive"}


def _merged(statuses: Iterable[JsonObject]) -> JsonObject:
    """Give one status with the pairs of all; of what is not about a pair the last one's is kept."""
    whole: JsonObject = {}
    for status in statuses:
        pairs = {**whole.get("pairs", {}), **status.get("pairs", {})}
        whole = {**whole, **status, **({"pairs": pairs} if pairs else {})}
    return whole


def _told(value: JsonObject) -> JsonObject:
    """Give what of an object a worker looks at."""
    metadata = {name: value["metadata"][name] for name in _METADATA if name in value["metadata"]}
    return {"metadata": metadata, "spec": value.get("spec") or {}}
