"""A crew without workers: tests say what the workers would have said."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from netbench.backends.base import WorkerLost
from netbench.clock import ClockComparison
from netbench.messages import (
    ControlRecord,
    Failure,
    HostFacts,
    PairOutcome,
    PairRequest,
    PairStatus,
    Phase,
    Timing,
    WorkerHello,
)
from netbench.metrics import HistogramData, IntervalSeries, SideReport, TcpReceiverRecord, TcpSenderRecord, Usage
from netbench.topology import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from netbench.backends.base import StatusEvent

__all__ = ("FakeCrew", "outcome")

_NS = 1_000_000_000


def outcome(start_ns: int = 0) -> PairOutcome:
    """Give a TCP outcome of one second and 125 MB."""
    comparison = ClockComparison(offset_ns=0, bound_ns=1000, samples=8)
    series = IntervalSeries(ends_ns=(_NS,), amounts=(125_000_000,))
    empty = HistogramData(unit="bit/s", count=0, total=0, minimum=None, maximum=None, positive="")
    usage = Usage(cpu_user_s=0.1, cpu_system_s=0.2, wall_s=1.0)
    sender = TcpSenderRecord(direction="forward", stream_bytes=(125_000_000,), series=series, throughput=empty)
    receiver = TcpReceiverRecord(direction="forward", stream_bytes=(125_000_000,), series=series, throughput=empty)
    return PairOutcome(
        timing=Timing(
            asked_start_ns=start_ns,
            start_lateness_ns=100,
            counted_from_ns=start_ns,
            counted_until_ns=start_ns + _NS,
            base_clock=comparison,
            peer_clock=comparison,
            peer_clock_after=comparison,
        ),
        client=SideReport(records=(sender,), usage=usage, tool="native"),
        server=SideReport(records=(receiver,), usage=usage, tool="native"),
    )


class FakeCrew:
    """Workers that arm, run and report as scripted.

    Args:
        workers: How many; they alternate over two nodes.
        script: Called with each request and with :meth:`say`; by default every pair arms at once and is done when
            fired.
        drivers: The drivers that every worker has.
    """

    def __init__(
        self,
        workers: int = 2,
        script: Callable[[FakeCrew, PairRequest], None] | None = None,
        drivers: Sequence[str] = ("native",),
    ) -> None:
        self.workers = tuple(
            Worker(name=f"worker-{i}", node=f"node-{i % 2 + 1}", address=f"198.18.0.{i + 1}") for i in range(workers)
        )
        facts = HostFacts(hostname="fake", kernel="Linux 6", machine="x86_64", cpu_count=2, python="3.11", netbench="0")
        self.hellos = {
            worker.name: WorkerHello(
                worker=worker.name,
                protocol=1,
                pid=1,
                address=worker.address,
                peer_port=1,
                drivers=dict.fromkeys(drivers, ""),
                host=facts,
            )
            for worker in self.workers
        }
        self.start_lead_s = 0.2
        self.requests: list[PairRequest] = []
        self.published: list[ControlRecord] = []
        self.forgotten: list[str] = []
        self._script = script or FakeCrew.arm
        self._send, self._receive = anyio.create_memory_object_stream["StatusEvent"](1000)

    def close(self) -> None:
        """Nothing more will be said."""
        self._send.close()
        self._receive.close()

    def now_ns(self) -> int:
        """Give the virtual time."""
        return round(anyio.current_time() * 1e9)

    async def submit(self, requests: Sequence[PairRequest]) -> None:
        """Let the script answer each request."""
        self.requests.extend(requests)
        for request in requests:
            self._script(self, request)

    async def publish(self, record: ControlRecord) -> None:
        """Let every armed pair be done."""
        self.published.append(record)
        for request in self.requests:
            mine = (request.run_id, request.round_index) == (record.run_id, record.round_index)
            if mine and (record.start_ns or record.stop):
                self.on_record(request, record)

    def on_record(self, request: PairRequest, record: ControlRecord) -> None:
        """Finish the pair; tests replace this for workers that do not."""
        self.say(request, Phase.DONE, done=outcome(record.start_ns or 0))

    @asynccontextmanager
    async def statuses(self, run_id: str) -> AsyncIterator[AsyncIterator[StatusEvent]]:  # noqa: ARG002 - one run
        """Stream what was said."""
        yield self._receive

    async def forget(self, run_id: str) -> None:
        """Note it."""
        self.forgotten.append(run_id)

    def arm(self, request: PairRequest) -> None:
        """Say that this pair is armed."""
        self.say(request, Phase.ARMED)

    def say(
        self,
        request: PairRequest,
        phase: Phase,
        *,
        failure: Failure | None = None,
        done: PairOutcome | None = None,
    ) -> None:
        """Say how far a pair is."""
        self._send.send_nowait(
            PairStatus(run_id=request.run_id, pair_id=request.pair_id, phase=phase, failure=failure, outcome=done)
        )

    def lose(self, worker: str) -> None:
        """Let a worker die."""
        self._send.send_nowait(WorkerLost(worker=worker, message=f"{worker} was killed by SIGKILL"))
