"""The controller's end of the workers' control connections: a Unix socket that speaks frames.

The controller says the fleet's key first. A worker says ``hello`` once, then ``status`` and ``clock``; the controller
says ``request``, ``record``, ``forget`` and answers ``clock`` at once. A closed connection tells the worker to end.
"""

from __future__ import annotations

import secrets
import time
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from netbench.errors import ProtocolError
from netbench.framing import GONE, FrameStream
from netbench.messages import PROTOCOL_VERSION, PairStatus, WorkerHello, from_wire, to_wire
from netbench.tasks import background_tasks, together

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

    from anyio.abc import ByteStream

    from netbench.messages import ControlRecord, PairRequest

__all__ = ("ControlServer", "open_control")

#: A worker that does not read for this long is stopped or hangs; what is said to it is then lost with it.
_SEND_TIMEOUT_S = 5.0
_CLOSE_TIMEOUT_S = 2.0


class ControlServer:
    """All control connections of one fleet; made by :func:`open_control`."""

    def __init__(self, on_status: Callable[[PairStatus], None]) -> None:
        self._on_status = on_status
        self._key = secrets.token_bytes(32)
        self._open: set[FrameStream] = set()
        self._connections: dict[str, FrameStream] = {}
        self._runs: dict[str, set[str]] = {}
        self._hellos: dict[str, WorkerHello] = {}
        self._refusals: dict[str, str] = {}
        self._changed = anyio.Event()

    @property
    def hellos(self) -> dict[str, WorkerHello]:
        """What each worker said of itself, of those that said something."""
        return dict(self._hellos)

    @property
    def refusals(self) -> dict[str, str]:
        """Why workers that did connect cannot be used."""
        return dict(self._refusals)

    async def changed(self) -> None:
        """Wait until another worker has said hello, or was refused, or ended."""
        await self._changed.wait()

    async def submit(self, requests: Iterable[PairRequest]) -> None:
        """Hand each request to its client worker."""
        calls = []
        for request in requests:
            self._runs.setdefault(request.run_id, set()).add(request.client)
            calls.append(partial(self._send, request.client, {"kind": "request", "request": to_wire(request)}))
        await together(calls)

    async def publish(self, record: ControlRecord) -> None:
        """Tell every worker of the run."""
        message = {"kind": "record", "record": to_wire(record)}
        await together([partial(self._send, worker, message) for worker in self._runs.get(record.run_id, ())])

    async def forget(self, run_id: str) -> None:
        """Let the workers forget a run."""
        message = {"kind": "forget", "run_id": run_id}
        await together([partial(self._send, worker, message) for worker in self._runs.pop(run_id, ())])

    async def say_goodbye(self) -> None:
        """Tell every worker to go, and wait until all have closed their ends. The caller sets the deadline."""
        for frames in list(self._open):
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
                await frames.send_eof()
        while self._open:
            await self._changed.wait()

    async def serve(self, stream: ByteStream) -> None:
        """Serve one worker's connection until it ends."""
        frames = FrameStream(stream)
        self._open.add(frames)
        name: str | None = None
        try:
            await frames.send({"kind": "key", "key": self._key.hex()})
            name = self._take_hello(await frames.receive())
            self._connections[name] = frames
            self.wake()
            while True:
                await self._take(frames, await frames.receive())
        except GONE:
            pass  # The worker has ended; whoever started its process says how.
        except ProtocolError as error:
            self._refusals[name or "unknown"] = str(error)
            self.wake()
        finally:
            self._open.discard(frames)
            if name is not None:
                self._connections.pop(name, None)
            self.wake()
            with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                await frames.aclose()

    def _take_hello(self, message: dict[str, Any]) -> str:
        said = message.get("hello")
        if isinstance(said, dict) and said.get("protocol") != PROTOCOL_VERSION:
            msg = f"it speaks version {said.get('protocol')} of the protocol and this controller {PROTOCOL_VERSION}"
            raise ProtocolError(msg)
        hello = from_wire(said, WorkerHello)
        self._hellos[hello.worker] = hello
        return hello.worker

    async def _take(self, frames: FrameStream, message: dict[str, Any]) -> None:
        match message:
            case {"kind": "clock", "number": number}:
                now_ns = time.time_ns()
                await frames.send({"kind": "clock", "number": number, "received_ns": now_ns, "sent_ns": time.time_ns()})
            case {"kind": "status", "status": status}:
                self._on_status(from_wire(status, PairStatus))
            case _:
                msg = f"a message of kind {message.get('kind')!r} came from a worker"
                raise ProtocolError(msg)

    async def _send(self, worker: str, message: dict[str, Any]) -> None:
        frames = self._connections.get(worker)
        if frames is None:
            return
        try:
            with anyio.fail_after(_SEND_TIMEOUT_S):
                await frames.send(message)
        except (TimeoutError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            # Half a message may be out, so nothing can follow it. How the worker ended is told by its process, and that
            # it hangs by the deadline of what it was to do.
            with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                await frames.aclose()

    def wake(self) -> None:
        """Let everybody who waits for a change look again."""
        self._changed.set()
        self._changed = anyio.Event()


@asynccontextmanager
async def open_control(path: Path, on_status: Callable[[PairStatus], None]) -> AsyncIterator[ControlServer]:
    """Listen at a path, and close every connection at the end, by which the workers know that they are to go."""
    server = ControlServer(on_status)
    async with await anyio.create_unix_listener(path, mode=0o600) as listener, background_tasks() as group:
        group.start_soon(listener.serve, server.serve)
        try:
            yield server
        finally:
            with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                await server.say_goodbye()
