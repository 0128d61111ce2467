"""A worker's control connection to a controller on the same machine, over a Unix socket."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
from anyio import AsyncContextManagerMixin

from netbench.clock import FourStamps, compare
from netbench.errors import BackendError, ProtocolError
from netbench.framing import GONE, FrameStream
from netbench.messages import ControlRecord, PairRequest, from_wire, to_wire
from netbench.tasks import background_tasks

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from typing import Self

    from anyio.streams.memory import MemoryObjectSendStream

    from netbench.clock import ClockComparison
    from netbench.messages import PairStatus, WorkerHello
    from netbench.worker.timing import WorkerClock

__all__ = ("LocalControl",)

_CONNECT_TIMEOUT_S = 10.0
_PING_PONGS = 8


class LocalControl(AsyncContextManagerMixin):
    """Implements :class:`netbench.worker.control.base.WorkerControl`.

    Args:
        path: Path of the controller's socket.
        clock: This worker's clock.
    """

    def __init__(self, path: str, clock: WorkerClock) -> None:
        self._path = path
        self._clock = clock
        self._frames: FrameStream | None = None
        self._key = b""
        self._request_sender, self._requests = anyio.create_memory_object_stream[PairRequest](float("inf"))
        self._records: dict[str, list[ControlRecord]] = {}
        self._followers: dict[str, list[MemoryObjectSendStream[ControlRecord]]] = {}
        self._pongs: dict[int, FourStamps] = {}
        self._pings: dict[int, tuple[int, anyio.Event]] = {}
        self._comparing = anyio.Lock()

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self, None]:
        """Connect, and read what the controller says until the end.

        Raises:
            BackendError: The controller cannot be reached.
        """
        try:
            with anyio.fail_after(_CONNECT_TIMEOUT_S):
                stream = await anyio.connect_unix(self._path)
        except (OSError, TimeoutError) as error:
            msg = f"the controller cannot be reached at {self._path}: {error}"
            raise BackendError(msg) from error
        self._frames = FrameStream(stream)
        self._key = await self._receive_key(self._frames)
        with self._request_sender, self._requests:
            async with stream, background_tasks() as group:
                group.start_soon(self._read, self._frames)
                yield self

    @property
    def key(self) -> bytes:
        """The fleet's key, the controller's first words."""
        return self._key

    async def _receive_key(self, frames: FrameStream) -> bytes:
        try:
            with anyio.fail_after(_CONNECT_TIMEOUT_S):
                return bytes.fromhex((await frames.receive())["key"])
        except (TimeoutError, *GONE) as error:
            await frames.aclose()
            msg = f"the controller at {self._path} said nothing: {str(error) or type(error).__name__}"
            raise BackendError(msg) from error

    async def announce(self, hello: WorkerHello) -> None:
        """Say who is here and ready."""
        await self._send({"kind": "hello", "hello": to_wire(hello)})

    async def requests(self) -> AsyncIterator[PairRequest]:
        """Stream the requests for this worker; ends when the controller is gone."""
        async for request in self._requests:
            yield request

    @asynccontextmanager
    async def records(self, run_id: str) -> AsyncIterator[AsyncIterator[ControlRecord]]:
        """Stream a run's control records, those included that came before."""
        send, receive = anyio.create_memory_object_stream[ControlRecord](float("inf"))
        followers = self._followers.setdefault(run_id, [])
        followers.append(send)
        for record in self._records.get(run_id, ()):
            send.send_nowait(record)
        try:
            with send, receive:
                yield receive
        finally:
            followers.remove(send)

    async def report(self, status: PairStatus) -> None:
        """Tell how far a pair is."""
        await self._send({"kind": "status", "status": to_wire(status)})

    def note_armed(self, run_id: str, round_index: int, number: int) -> None:
        """Nobody says so here: each worker tells the controller itself."""

    async def relay(self, frames: FrameStream, worker: str) -> None:
        """Nobody asks for it here: each worker has a connection to the controller."""

    async def compare_clock(self, timeout_s: float) -> ClockComparison | None:
        """Compare this worker's clock with the controller's; None where the controller is gone."""
        stamps: list[FourStamps] = []
        async with self._comparing:
            with anyio.move_on_after(timeout_s):
                for number in range(_PING_PONGS):
                    answered = anyio.Event()
                    self._pings[number] = (self._clock.now_ns(), answered)
                    await self._send({"kind": "clock", "number": number})
                    await answered.wait()
                    stamps.append(self._pongs.pop(number))
        return compare(stamps) if stamps else None

    async def _read(self, frames: FrameStream) -> None:
        try:
            while True:
                self._take(await frames.receive(), self._clock.now_ns())
        except GONE:
            # The controller is gone, or lets this worker go: the stream of requests ends.
            self._request_sender.close()
            await frames.aclose()

    def _take(self, message: dict[str, Any], now_ns: int) -> None:
        match message:
            case {"kind": "clock", "number": int(number), "received_ns": int(received), "sent_ns": int(sent)}:
                asked_ns, answered = self._pings.pop(number)
                self._pongs[number] = FourStamps(asked_ns, received, sent, now_ns)
                answered.set()
            case {"kind": "request", "request": request}:
                self._request_sender.send_nowait(from_wire(request, PairRequest))
            case {"kind": "record", "record": said}:
                record = from_wire(said, ControlRecord)
                self._records.setdefault(record.run_id, []).append(record)
                for follower in self._followers.get(record.run_id, ()):
                    follower.send_nowait(record)
            case {"kind": "forget", "run_id": str(run_id)}:
                self._records.pop(run_id, None)
                self._followers.pop(run_id, None)
            case _:
                msg = f"a message of kind {message.get('kind')!r} came from the controller"
                raise ProtocolError(msg)

    async def _send(self, message: dict[str, Any]) -> None:
        if self._frames is None:
            msg = "the control connection is not open"
            raise RuntimeError(msg)
        try:
            await self._frames.send(message)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            # The controller is gone: nobody is left to tell, and the reader ends this worker.
            self._request_sender.close()
