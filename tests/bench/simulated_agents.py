"""Worker agents of simulated nodes: ``python -m tests.bench.simulated_agents KUBECONFIG NAMESPACE FIRST LAST``.

The nodes have the numbers from FIRST to before LAST. The agents, their control and the sessions between them are real;
the pods exist only in the API server, and the traffic is a stub that waits for the window to pass.
"""

from __future__ import annotations

import gc
import resource
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from netbench.backends.kubernetes.backend import ConnectSpec, open_api
from netbench.hdr import HistogramRecorder
from netbench.metrics import IntervalSeries, SideReport, UdpReceiverRecord, UdpSenderRecord, Usage
from netbench.worker.drivers.base import Offer
from netbench.worker.peer import client as client_session
from netbench.worker.peer import server as server_session
from tests.e2e.kubernetes import Kubernetes
from tests.e2e.simulated import simulated_nodes

if TYPE_CHECKING:
    from netbench.clock import Window
    from netbench.worker.drivers.base import DriverTask

_FILES = 65_536
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


def allow_files() -> None:
    """Let this process have as many connections as thousands of workers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, _FILES)), hard))


async def main() -> None:
    """Serve until the standard input closes."""
    allow_files()
    vars(client_session)["make_client"] = StubClient
    vars(server_session)["make_server"] = StubServer
    sys.setswitchinterval(_SWITCH_S)
    # To look for cycles among hundreds of agents holds all of them up for half a second, which may fall on a start. A
    # worker of its own has a heap of its own.
    gc.disable()
    kubeconfig, namespace = sys.argv[1:3]
    numbers = range(int(sys.argv[3]), int(sys.argv[4]))
    spec = ConnectSpec(kubeconfig=kubeconfig, context=None, namespace=None)
    with tempfile.TemporaryDirectory() as directory:
        async with (
            open_api(spec) as (api, _),
            simulated_nodes(Kubernetes(kubeconfig, namespace, api), numbers, Path(directory)),
        ):
            print("ready", flush=True)
            await anyio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)


if __name__ == "__main__":
    anyio.run(main)
