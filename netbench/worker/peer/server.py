"""The server worker's end of a peer session."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc
import attrs

from netbench.clock import Window
from netbench.errors import ProtocolError
from netbench.framing import FRAME_MAX_BYTES, GONE, FrameStream
from netbench.messages import PROTOCOL_VERSION, PairRequest, Phase, from_wire, to_wire
from netbench.metrics import SideReport
from netbench.worker.drivers.base import DriverTask
from netbench.worker.drivers.catalog import make_server
from netbench.worker.peer.failing import failure_from
from netbench.worker.peer.proof import HANDSHAKE_LIMIT_BYTES, StrangerError, challenge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from anyio.abc import ByteStream

    from netbench.worker.clock_exchange import ClockService
    from netbench.worker.drivers.base import ServerDriver
    from netbench.worker.strangers import Strangers
    from netbench.worker.timing import WorkerClock

__all__ = ("PeerServer",)

_HANDSHAKE_TIMEOUT_S = 5.0
_FIRST_WORDS_TIMEOUT_S = 10.0
_CLOSE_TIMEOUT_S = 10.0


@attrs.frozen(kw_only=True)
class PeerServer:
    """Takes sessions from other workers.

    Attributes:
        worker: This worker's name.
        listen_host: Where its sockets bind.
        clock: Its clock.
        programs: Paths of the external drivers' programs.
        key: The fleet's key.
        clock_service: What lets a session's client read the clock.
        strangers: Where connections are counted that are not of this fleet.
        note_armed: Told run, round and number of another worker's pair that is armed.
        relay: Serves another worker, given its connection and name, that reaches the controller through this one.
    """

    worker: str
    listen_host: str
    clock: WorkerClock
    programs: Mapping[str, str]
    key: bytes = attrs.field(repr=False)
    clock_service: ClockService
    strangers: Strangers
    note_armed: Callable[[str, int, int], None]
    relay: Callable[[FrameStream, str], Awaitable[None]]

    async def handle(self, stream: ByteStream) -> None:
        """Serve one connection until its client is done or gone. Never raises for what a peer does."""
        frames = FrameStream(stream, limit_bytes=HANDSHAKE_LIMIT_BYTES)
        try:
            cookie = await self._challenged(frames)
            if cookie is None:
                return
            frames.limit_bytes = FRAME_MAX_BYTES
            await self._serve(frames, cookie)
        finally:
            with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
                await frames.aclose()

    async def _challenged(self, frames: FrameStream) -> bytes | None:
        """Give the cookie of a client that is of this fleet. A stranger learns nothing and is counted."""
        try:
            with anyio.fail_after(_HANDSHAKE_TIMEOUT_S):
                return await challenge(frames, self.key)
        except (StrangerError, TimeoutError, *GONE):
            self.strangers.add()
            return None

    async def _serve(self, frames: FrameStream, cookie: bytes) -> None:
        session = _Session(self, frames, cookie)
        try:
            with self.clock_service.admit(cookie):
                await session.serve()
        except GONE:
            pass  # The client is gone: nobody is left to tell.
        except Exception as error:  # noqa: BLE001 - whatever it is, the client must hear of it
            await session.tell_failure(error)


class _Session:
    def __init__(self, peer: PeerServer, frames: FrameStream, cookie: bytes) -> None:
        self._peer = peer
        self._frames = frames
        self._cookie = cookie
        self._strangers_before = peer.strangers.count
        self._phase = Phase.ARMING
        self._ran = anyio.Event()

    async def serve(self) -> None:
        with anyio.fail_after(_FIRST_WORDS_TIMEOUT_S):
            message = await self._frames.receive()
        if message.get("kind") == "clock":
            await self._frames.send({"kind": "clock", "clock_port": self._peer.clock_service.port})
            # The cookie is good until the client closes.
            await self._frames.receive()
            return
        if message.get("kind") == "armed":
            self._peer.note_armed(str(message["run_id"]), int(message["round_index"]), int(message["number"]))
            await self._frames.send({"kind": "noted"})
            return
        if message.get("kind") == "relay":
            await self._peer.relay(self._frames, str(message["worker"]))
            return
        request = _read_prepare(message)
        task = DriverTask(
            request=request,
            cookie=self._cookie,
            clock=self._peer.clock,
            listen_host=self._peer.listen_host,
            program=self._peer.programs.get(request.driver, ""),
            strangers=self._peer.strangers,
        )
        driver = make_server(task)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(_close, driver)
            with anyio.fail_after(request.arm_timeout_s):
                offer = await driver.listen()
                clock_port = self._peer.clock_service.port
                prepared = {"ports": offer.ports, "clock_port": clock_port, "clock": self._peer.clock.identity}
                await self._frames.send({"kind": "prepared", **prepared})
                await driver.ready()
                await self._frames.send({"kind": "ready"})
            async with anyio.create_task_group() as group:
                await self._obey(driver, group)
                group.cancel_scope.cancel()

    async def _obey(self, driver: ServerDriver, group: anyio.abc.TaskGroup) -> None:
        """Follow the client's orders until it has its report."""
        try:
            while True:
                message = await self._frames.receive()
                match message.get("kind"):
                    case "start":
                        self._phase = Phase.RUNNING
                        window = from_wire(message["window"], Window)
                        group.start_soon(self._run, driver, window, int(message["offset_ns"]))
                    case "stop":
                        driver.stop()
                    case "finish":
                        await self._ran.wait()
                        self._phase = Phase.GATHERING
                        report = await driver.finish(from_wire(message["report"], SideReport))
                        strangers = self._peer.strangers.count - self._strangers_before
                        report = attrs.evolve(report, strangers=strangers)
                        await self._frames.send({"kind": "report", "report": to_wire(report)})
                        # The clock stays readable until the client has compared it once more and closes.
                        await self._frames.receive()
                    case other:
                        msg = f"a message of unknown kind {other!r} came from the client"
                        raise ProtocolError(msg)
        finally:
            driver.stop()

    async def _run(self, driver: ServerDriver, window: Window, offset_ns: int) -> None:
        await driver.run(window, offset_ns)
        self._ran.set()

    async def tell_failure(self, error: BaseException) -> None:
        failure = failure_from(error, self._phase, self._peer.worker)
        with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
            try:
                await self._frames.send({"kind": "failed", "failure": to_wire(failure)})
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return  # The client is gone too.


def _read_prepare(message: dict[str, Any]) -> PairRequest:
    if message.get("kind") != "prepare" or message.get("protocol") != PROTOCOL_VERSION:
        msg = (
            f"the client speaks protocol {message.get('protocol')!r}, this worker {PROTOCOL_VERSION}: "
            "run the same netbench on both"
        )
        raise ProtocolError(msg)
    return from_wire(message["request"], PairRequest)


async def _close(driver: ServerDriver) -> None:
    with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
        await driver.aclose()
