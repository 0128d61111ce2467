"""What a worker asks of the one that is the fleet's time base, and tells it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from netbench.errors import DriverError, ProtocolError
from netbench.framing import GONE, FrameStream
from netbench.worker.clock_exchange import compare_with
from netbench.worker.peer.proof import prove

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from netbench.clock import ClockComparison
    from netbench.kube.control import TimeBase
    from netbench.worker.timing import WorkerClock

__all__ = ("read_clock", "say_armed")

_TIMEOUT_S = 5.0
_BROKEN = (OSError, TimeoutError, ProtocolError, *GONE)


async def read_clock(base: TimeBase, key: bytes, clock: WorkerClock) -> ClockComparison:
    """Compare the own clock with that of the time base.

    Raises:
        DriverError: It cannot be reached, or is none of this fleet.
    """
    async with _session(base, key) as (frames, cookie):
        await frames.send({"kind": "clock"})
        answer = await frames.receive()
        return await anyio.to_thread.run_sync(
            compare_with, base.host, int(answer["clock_port"]), cookie, clock, abandon_on_cancel=True
        )


async def say_armed(base: TimeBase, key: bytes, run_id: str, round_index: int, number: int) -> None:
    """Tell the time base that the pair of this number in a run's round is armed.

    Raises:
        DriverError: It cannot be reached, or is none of this fleet.
    """
    word = {"run_id": run_id, "round_index": round_index, "number": number}
    async with _session(base, key) as (frames, _):
        await frames.send({"kind": "armed", **word})
        await frames.receive()


@asynccontextmanager
async def _session(base: TimeBase, key: bytes) -> AsyncIterator[tuple[FrameStream, bytes]]:
    """Open a session of a few words, and give it with its cookie."""
    try:
        with anyio.fail_after(_TIMEOUT_S):
            async with await anyio.connect_tcp(base.host, base.peer_port) as stream:
                frames = FrameStream(stream)
                cookie = await prove(frames, key)
                yield frames, cookie
    except _BROKEN as error:
        msg = f"{base.host}:{base.peer_port}, the time base, does not answer: {str(error) or type(error).__name__}"
        raise DriverError(msg, reason="timeout" if isinstance(error, TimeoutError) else "unreachable") from error
