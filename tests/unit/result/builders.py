"""Results made by hand, with numbers that are easy to add up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netbench.clock import ClockComparison
from netbench.messages import Failure, HostFacts, PairOutcome, Phase, Timing
from netbench.metrics import (
    HttpClientRecord,
    HttpServerRecord,
    IntervalSeries,
    SideReport,
    TcpReceiverRecord,
    TcpSenderRecord,
    UdpReceiverRecord,
    UdpSenderRecord,
    Usage,
)
from netbench.result import MeasurementFacts, PairFailure, PairResult, Result, RunMetadata
from netbench.topology import Pair
from netbench.traffic import Http, Tcp, Traffic, Udp
from tests.unit.samples import record
from tests.unit.workers import make_worker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netbench.metrics import FlowRecord
    from netbench.traffic import Direction

__all__ = (
    "NS",
    "START_NS",
    "http_outcome",
    "make_failure",
    "make_outcome",
    "make_pair",
    "make_result",
    "series_of",
    "tcp_outcome",
    "tcp_records",
    "udp_outcome",
)

NS = 1_000_000_000
#: When everything starts.
START_NS = 1_700_000_000 * NS


def series_of(*amounts: int, interval_ns: int = NS) -> IntervalSeries:
    """Give a series of intervals of one second, with these bytes."""
    return IntervalSeries(
        ends_ns=tuple(interval_ns * (place + 1) for place in range(len(amounts))), amounts=tuple(amounts)
    )


def make_outcome(  # noqa: PLR0913 - all that tests change
    client: Sequence[FlowRecord],
    server: Sequence[FlowRecord],
    *,
    window_ns: tuple[int, int] = (0, 2 * NS),
    offset_ns: int = 0,
    after: ClockComparison | None = None,
    tool: str = "native",
    lateness_ns: int = 2000,
    bound_ns: int = 500,
    client_usage: Usage | None = None,
    server_usage: Usage | None = None,
) -> PairOutcome:
    """Give an outcome of these records; the window is counted from START_NS."""
    return PairOutcome(
        timing=Timing(
            asked_start_ns=START_NS,
            start_lateness_ns=lateness_ns,
            counted_from_ns=START_NS + window_ns[0],
            counted_until_ns=START_NS + window_ns[1],
            base_clock=None,
            peer_clock=ClockComparison(offset_ns=offset_ns, bound_ns=bound_ns, samples=8),
            peer_clock_after=after,
        ),
        client=SideReport(
            records=tuple(client),
            usage=client_usage or Usage(cpu_user_s=0.25, cpu_system_s=0.75, wall_s=2.0),
            tool=tool,
        ),
        server=SideReport(
            records=tuple(server),
            usage=server_usage or Usage(cpu_user_s=0.5, cpu_system_s=0.0, wall_s=2.0),
            tool=tool,
        ),
    )


def tcp_records(
    *amounts: int, direction: Direction = "forward", retransmits: int | None = 3
) -> tuple[TcpSenderRecord, TcpReceiverRecord]:
    """Give both sides of a TCP direction that carried these bytes in intervals of one second."""
    series, throughput = series_of(*amounts), record([8 * amount for amount in amounts], "bit/s")
    sender = TcpSenderRecord(
        direction=direction,
        stream_bytes=(sum(amounts),),
        series=series,
        throughput=throughput,
        retransmits=retransmits,
        rtt=record([100_000, 200_000], "ns"),
        congestion_window=record([14_000], "byte"),
        congestion="cubic",
    )
    receiver = TcpReceiverRecord(
        direction=direction, stream_bytes=(sum(amounts),), series=series, throughput=throughput
    )
    return sender, receiver


def tcp_outcome(*amounts: int, retransmits: int | None = 3, **changes: Any) -> PairOutcome:  # noqa: ANN401 - a record's field
    """Give a forward TCP outcome of these bytes a second; ``changes`` are those of make_outcome."""
    sender, receiver = tcp_records(*amounts, retransmits=retransmits)
    return make_outcome([sender], [receiver], **{"window_ns": (0, len(amounts) * NS), **changes})


def udp_outcome(
    sent: int = 2000,
    received: int = 1900,
    *,
    asked_pps: float | None = 1000.0,
    jitter_ns: float = 5000.0,
    socket_drops: int | None = 0,
    **changes: Any,  # noqa: ANN401 - a record's field
) -> PairOutcome:
    """Give a UDP outcome over two seconds, of datagrams of 1,000 bytes; one was delayed by less than nothing."""
    sender = UdpSenderRecord(
        stream_sent=(sent,), sent_bytes=1000 * sent, series=None, asked_pps=asked_pps, send_errors=0
    )
    amounts = (1000 * received // 2,) * 2
    receiver = UdpReceiverRecord(
        stream_received=(received,),
        received_bytes=1000 * received,
        duplicated=1,
        reordered=2,
        socket_drops=socket_drops,
        stream_jitter_ns=(jitter_ns,),
        delay=record([-1000, 50_000, 101_000], "ns"),
        series=series_of(*amounts),
        throughput=record([8 * amount for amount in amounts], "bit/s"),
    )
    return make_outcome([sender], [receiver], **changes)


def http_outcome(
    responses: int = 90,
    errors: dict[str, int] | None = None,
    *,
    left_late: int = 0,
    **changes: Any,  # noqa: ANN401 - a record's field
) -> PairOutcome:
    """Give an HTTP outcome over two seconds, with bodies of 1,000 bytes there and 3,000 back."""
    failed = {} if errors is None else errors
    times = record([1_000_000, 2_000_000, 3_000_000], "ns")
    client = HttpClientRecord(
        requests=responses + sum(failed.values()),
        responses=responses,
        status_codes={"200": responses},
        errors=failed,
        response_time=times,
        service_time=times,
        send_lateness=record([10], "ns"),
        connections_opened=8,
        asked_rps=50.0,
        received_bytes=3000 * responses,
        sent_bytes=1000 * responses,
        series=series_of(2000 * responses, 2000 * responses),
        throughput=record([16_000 * responses] * 2, "bit/s"),
        left_late=left_late,
    )
    return make_outcome([client], [HttpServerRecord(requests=responses, connections=8)], **changes)


def _pair(index: int) -> Pair:
    return Pair(make_worker(2 * index, node=1, zone="a"), make_worker(2 * index + 1, node=2, zone="b"))


def make_pair(outcome: PairOutcome, index: int = 0, round_index: int = 0) -> PairResult:
    """Give pair number ``index`` with this outcome."""
    return PairResult(round_index=round_index, pair=_pair(index), outcome=outcome)


def make_failure(index: int = 0, round_index: int = 0, message: str = "worker-1 was killed by SIGKILL") -> PairFailure:
    """Give pair number ``index`` as one that failed."""
    failure = Failure(phase=Phase.RUNNING, reason="worker-lost", message=message, worker=f"worker-{2 * index + 1}")
    return PairFailure(round_index=round_index, pair=_pair(index), failure=failure)


def _traffic_of(outcome: PairOutcome) -> Traffic:
    kinds = {type(each) for each in outcome.client.records}
    if HttpClientRecord in kinds:
        return Http(rate_rps=50)
    return Udp() if UdpSenderRecord in kinds else Tcp()


def make_result(*outcomes: PairOutcome, **changes: Any) -> Result:  # noqa: ANN401 - a record's field
    """Give a result with one pair for each outcome, all in one round, with changes."""
    facts = HostFacts(
        hostname="h", kernel="Linux 6.1", machine="x86_64", cpu_count=4, python="3.11.7", netbench="0", mtu=1500
    )
    made: dict[str, Any] = {
        "spec": MeasurementFacts(
            traffic=_traffic_of(outcomes[0]) if outcomes else Tcp(),
            driver="native",
            duration_s=2.0,
            warmup_s=0.0,
            interval_s=1.0,
            seed=7,
        ),
        "pairs": tuple(make_pair(outcome, index) for index, outcome in enumerate(outcomes)),
        "failures": (),
        "left_over": (),
        "rounds": 1,
        "stopped_early": False,
        "metadata": RunMetadata(
            run_id="run-1",
            started_at="2026-01-02T03:04:05+00:00",
            command=("netbench", "run"),
            netbench="0",
            python="3.11.7",
            platform="Linux",
            backend="local",
            backend_details={"isolation": "netns"},
            workers={"worker-0": facts},
            strategy="CrossNode()",
        ),
    }
    return Result(**{**made, **changes})
