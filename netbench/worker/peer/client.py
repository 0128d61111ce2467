"""The client worker's end of a peer session: arm, fire, gather."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread
import attrs

from netbench.errors import DriverError, ProtocolError, innermost
from netbench.framing import FrameStream
from netbench.messages import (
    PROTOCOL_VERSION,
    Failure,
    PairOutcome,
    Phase,
    Timing,
    from_wire,
    to_wire,
)
from netbench.metrics import SideReport
from netbench.worker.clock_exchange import compare_with
from netbench.worker.drivers.base import DriverTask, Offer
from netbench.worker.drivers.catalog import make_client
from netbench.worker.peer.failing import SessionError
from netbench.worker.peer.proof import prove

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from netbench.clock import ClockComparison, Window
    from netbench.messages import PairRequest
    from netbench.worker.drivers.base import ClientDriver
    from netbench.worker.timing import WorkerClock

__all__ = ("ClientSession", "open_session")

_CLOSE_TIMEOUT_S = 10.0
_LAST_WORDS_TIMEOUT_S = 1.0

T = TypeVar("T")


class ClientSession:
    """One pair's session, from the first word to the joined outcome. Made by :func:`open_session`."""

    def __init__(self, task: DriverTask, frames: FrameStream, driver: ClientDriver) -> None:
        self._request = task.request
        self._cookie = task.cookie
        self._clock = task.clock
        self._frames = frames
        self._driver = driver
        self._clock_port = 0
        self._same_clock = False
        self._peer_clock: ClockComparison | None = None
        self._stopped = False

    async def arm(self) -> None:
        """Have the server listen, connect to it and compare clocks.

        Raises:
            SessionError: The server failed or is gone.
            DriverError: This side failed.
        """
        await self._send(
            {
                "kind": "prepare",
                "protocol": PROTOCOL_VERSION,
                "request": to_wire(self._request),
            }
        )
        prepared = await self._receive("prepared", Phase.ARMING)
        self._clock_port = int(prepared["clock_port"])
        self._same_clock = prepared["clock"] == self._clock.identity != ""
        offer = Offer(ports=tuple(prepared["ports"]))
        await self._alongside(lambda: self._driver.connect(offer), "ready", Phase.ARMING)
        self._peer_clock = await self._compare()

    async def fire(self, window: Window) -> int:
        """Send over the window, and hear of it at once when the server fails meanwhile.

        Returns:
            The achieved start on this worker's clock.

        Raises:
            SessionError: The server failed or is gone.
            DriverError: This side failed.
        """
        offset_ns = self._clock_of_peer().offset_ns
        await self._send({"kind": "start", "window": to_wire(window.shifted(offset_ns)), "offset_ns": offset_ns})
        return await self._alongside(lambda: self._driver.run(window), None, Phase.RUNNING)

    async def stop(self) -> None:
        """End the window now on both sides; what was measured is kept."""
        self._stopped = True
        self._driver.stop()
        await self._send({"kind": "stop"})

    async def gather(
        self, window: Window, achieved_ns: int, base: ClockComparison | None, asked_ns: int
    ) -> PairOutcome:
        """Fetch the server's view and join it with this side's.

        Raises:
            SessionError: The server failed or is gone.
            DriverError: This side failed.
        """
        ended_ns = min(self._clock.now_ns(), window.end_ns) if self._stopped else window.end_ns
        mine = await self._driver.finish()
        await self._send({"kind": "finish", "report": to_wire(mine)})
        message = await self._receive("report", Phase.GATHERING)
        theirs = from_wire(message["report"], SideReport)
        to_base = base.offset_ns if base is not None else 0
        timing = Timing(
            asked_start_ns=asked_ns,
            start_lateness_ns=achieved_ns - window.start_ns,
            counted_from_ns=window.counted_from_ns + to_base,
            counted_until_ns=ended_ns + to_base,
            base_clock=base,
            peer_clock=self._clock_of_peer(),
            peer_clock_after=await self._compare_again(),
            stopped_early=self._stopped,
        )
        return PairOutcome(timing=timing, client=mine, server=theirs)

    def _clock_of_peer(self) -> ClockComparison:
        if self._peer_clock is None:
            msg = "the session was not armed"
            raise ProtocolError(msg)
        return self._peer_clock

    async def _compare(self) -> ClockComparison:
        found = await anyio.to_thread.run_sync(
            compare_with, self._request.server_host, self._clock_port, self._cookie, self._clock, abandon_on_cancel=True
        )
        if self._same_clock and abs(found.offset_ns) <= found.bound_ns:
            # Two workers of one kernel read the same clock. The ping-pongs agree, which they would not in two virtual
            # machines that were copied with their boot's name.
            return attrs.evolve(found, offset_ns=0, bound_ns=0)
        return found

    async def _compare_again(self) -> ClockComparison | None:
        try:
            return await self._compare()
        except DriverError:
            return None

    async def _alongside(self, work: Callable[[], Awaitable[T]], expected: str | None, phase: Phase) -> T:
        """Do the driver's work while listening to the server, which may fail meanwhile.

        Without an expected message nothing is due from the server, so whatever comes before the work is done is bad
        news.
        """
        done: list[T] = []

        async def run() -> None:
            done.append(await work())
            if expected is None:
                group.cancel_scope.cancel()

        try:
            async with anyio.create_task_group() as group:
                group.start_soon(run)
                await self._receive(expected, phase)
        except ExceptionGroup as errors:
            raise await self._root_cause(errors, phase) from errors
        return done[0]

    async def _root_cause(self, errors: ExceptionGroup[Exception], phase: Phase) -> BaseException:
        """When the own driver breaks because the server's did, the server's last words say more: wait for them."""
        cause = innermost(errors)
        if isinstance(cause, DriverError):
            with anyio.move_on_after(_LAST_WORDS_TIMEOUT_S):
                try:
                    await self._receive(None, phase)
                except SessionError as told:
                    return told
        return cause

    async def _send(self, message: dict[str, Any]) -> None:
        try:
            await self._frames.send(message)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            # The server's last words may still be in the buffer.
            await self._receive(None, Phase.RUNNING)
            raise self._lost(Phase.RUNNING) from error

    async def _receive(self, kind: str | None, phase: Phase) -> dict[str, Any]:
        try:
            message = await self._frames.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.IncompleteRead) as error:
            raise self._lost(phase) from error
        if message.get("kind") == "failed":
            raise SessionError(from_wire(message["failure"], Failure))
        if message.get("kind") != kind:
            msg = f"the server worker sent {message.get('kind')!r} where {kind or 'nothing'!r} was due"
            raise ProtocolError(msg)
        return message

    def _lost(self, phase: Phase) -> SessionError:
        message = (
            f"the connection to the server worker {self._request.server} broke off; it has ended or its network is cut"
        )
        return SessionError(
            Failure(phase=phase, reason="connection-lost", message=message, worker=self._request.server)
        )


@asynccontextmanager
async def open_session(
    request: PairRequest, clock: WorkerClock, program: str, key: bytes
) -> AsyncIterator[ClientSession]:
    """Connect to the server worker; close driver and connection at the end, whatever the end.

    Raises:
        SessionError: The server worker cannot be reached.
    """
    try:
        with anyio.fail_after(request.arm_timeout_s):
            stream = await anyio.connect_tcp(request.server_host, request.server_peer_port)
    except OSError as error:  # a TimeoutError too
        message = (
            f"the server worker {request.server} cannot be reached at "
            f"{request.server_host}:{request.server_peer_port}: {error}"
        )
        failure = Failure(phase=Phase.ARMING, reason="unreachable", message=message, worker=request.server)
        raise SessionError(failure) from error
    frames = FrameStream(stream)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_within_deadline, frames.aclose)
        cookie = await _proved(frames, request, key)
        task = DriverTask(request=request, cookie=cookie, clock=clock, program=program)
        driver = make_client(task)
        stack.push_async_callback(_within_deadline, driver.aclose)
        yield ClientSession(task, frames, driver)


async def _proved(frames: FrameStream, request: PairRequest, key: bytes) -> bytes:
    where = f"{request.server_host}:{request.server_peer_port}"
    try:
        with anyio.fail_after(request.arm_timeout_s):
            return await prove(frames, key)
    except TimeoutError as error:
        message = (
            f"the server worker {request.server} took the connection to {where} and said nothing for "
            f"{request.arm_timeout_s:g} s: it hangs, or its node does"
        )
        failure = Failure(phase=Phase.ARMING, reason="timeout", message=message, worker=request.server)
        raise SessionError(failure) from error
    except (ProtocolError, anyio.EndOfStream, anyio.BrokenResourceError, anyio.IncompleteRead) as error:
        message = (
            f"what answers at {where} is not the server worker {request.server}: {str(error) or type(error).__name__}; "
            "the worker has ended, or something else has its address"
        )
        failure = Failure(phase=Phase.ARMING, reason="connection-lost", message=message, worker=request.server)
        raise SessionError(failure) from error


async def _within_deadline(close: Callable[[], Awaitable[None]]) -> None:
    with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
        await close()
