"""Reading another worker's clock outside of a measurement: that of the worker which is the fleet's time base."""

from __future__ import annotations

import anyio

from netbench.errors import DriverError, ProtocolError
from netbench.framing import FrameStream
from netbench.worker.clock_exchange import compare_with
from netbench.worker.peer.proof import prove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from netbench.clock import ClockComparison
    from netbench.worker.timing import WorkerClock

__all__ = ("read_clock",)

_TIMEOUT_S = 5.0


async def read_clock(host: str, peer_port: int, key: bytes, clock: WorkerClock) -> ClockComparison:
    """Compare the own clock with that of the worker whose peer sessions are at this address.

    Raises:
        DriverError: It cannot be reached, or is none of this fleet.
    """
    try:
        with anyio.fail_after(_TIMEOUT_S):
            async with await anyio.connect_tcp(host, peer_port) as stream:
                frames = FrameStream(stream)
                cookie = await prove(frames, key)
                await frames.send({"kind": "clock"})
                answer = await frames.receive()
                return await anyio.to_thread.run_sync(
                    compare_with, host, int(answer["clock_port"]), cookie, clock, abandon_on_cancel=True
                )
    except (OSError, TimeoutError, ProtocolError, anyio.EndOfStream, anyio.IncompleteRead) as error:
        msg = f"the clock of {host}:{peer_port}, the time base, could not be read: {str(error) or type(error).__name__}"
        raise DriverError(msg, reason="timeout" if isinstance(error, TimeoutError) else "unreachable") from error
