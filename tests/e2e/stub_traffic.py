"""Traffic that is none: both halves of a driver that only lets its window pass.

Hundreds of workers in one process cannot all send: their threads would wait for each other and not for the network.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

from netbench.hdr import HistogramRecorder
from netbench.metrics import IntervalSeries, SideReport, UdpReceiverRecord, UdpSenderRecord, Usage
from netbench.worker.drivers.base import Offer
from netbench.worker.peer import client as client_session
from netbench.worker.peer import server as server_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netbench.clock import Window
    from netbench.worker.drivers.base import DriverTask

__all__ = ("stub_traffic",)

#: A clock's answer comes from another thread of the same process, which a worker of its own would have to itself.
_SWITCH_S = 0.0005


class Stub:
    """Both halves of a driver that sends nothing."""

    def __init__(self, task: DriverTask) -> None:
        self._clock = task.clock
        self._stopped = anyio.Event()

    async def listen(self) -> Offer:
        """Listen nowhere."""
        return Offer(ports=(1,))

    async def ready(self) -> None:
        """Be ready."""

    async def connect(self, offer: Offer) -> None:
        """Connect to nothing."""

    async def run(self, window: Window, offset_ns: int = 0) -> int:
        """Let the window pass."""
        del offset_ns
        await anyio.sleep(max(0.0, (window.start_ns - self._clock.now_ns()) / 1e9))
        first = self._clock.now_ns()
        with anyio.move_on_after(max(0.0, (window.end_ns - first) / 1e9)):
            await self._stopped.wait()
        return first

    def stop(self) -> None:
        """End."""
        self._stopped.set()

    async def aclose(self) -> None:
        """Hold nothing."""


class StubClient(Stub):
    """The sender."""

    async def finish(self) -> SideReport:
        """Report a hundred datagrams."""
        record = UdpSenderRecord(stream_sent=(100,), sent_bytes=140_000, series=None, asked_pps=10.0, send_errors=0)
        return _report(record)


class StubServer(Stub):
    """The receiver."""

    async def finish(self, client: SideReport) -> SideReport:
        """Report that they came, with sixty intervals and a histogram as a real one has."""
        del client
        delays, rates = HistogramRecorder("ns"), HistogramRecorder("bit/s")
        delays.record_many(range(20_000, 220_000, 2_000))
        rates.record_many(range(18_000, 19_200, 20))
        series = IntervalSeries(ends_ns=tuple(range(10**8, 61 * 10**8, 10**8)), amounts=(2333,) * 60)
        record = UdpReceiverRecord(
            stream_received=(100,),
            received_bytes=140_000,
            duplicated=0,
            reordered=0,
            socket_drops=0,
            stream_jitter_ns=(2000.0,),
            delay=delays.data(),
            series=series,
            throughput=rates.data(),
        )
        return _report(record)


def _report(record: UdpSenderRecord | UdpReceiverRecord) -> SideReport:
    usage = Usage(cpu_user_s=0.1, cpu_system_s=0.1, wall_s=5.0)
    return SideReport(records=(record,), usage=usage, tool="stub")


@contextmanager
def stub_traffic() -> Iterator[None]:
    """Have all workers of this process send nothing in the block."""
    client, server, switch_s = vars(client_session), vars(server_session), sys.getswitchinterval()
    before = client["make_client"], server["make_server"]
    client["make_client"], server["make_server"] = StubClient, StubServer
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        client["make_client"], server["make_server"] = before
        sys.setswitchinterval(switch_s)
