"""The iperf3 driver: the real program, its JSON read."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from netbench.errors import DriverError
from netbench.hdr import HistogramRecorder
from netbench.metrics import (
    IntervalSeries,
    TcpReceiverRecord,
    TcpSenderRecord,
    UdpReceiverRecord,
    UdpSenderRecord,
)
from netbench.traffic import Tcp, Udp
from netbench.worker.drivers.tool import ToolClient, ToolServer
from netbench.worker.recording import throughput_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netbench.metrics import FlowRecord, HistogramData, Unit
    from netbench.traffic import Direction
    from netbench.worker.drivers.base import DriverTask
    from netbench.worker.drivers.external import Finished
    from netbench.worker.drivers.tool import Role

__all__ = ("Iperf3", "Iperf3Client", "Iperf3Server", "parse")

#: How iperf3 says that somebody ended it; its numbers up to there are whole.
_INTERRUPTED = ("interrupt", "terminated")


class Iperf3:
    """Implements :class:`netbench.worker.drivers.tool.Tool`."""

    name = "iperf3"

    def check(self, task: DriverTask) -> None:
        """Refuse what iperf3 cannot do, or what only some of its versions can."""
        request, traffic = task.request, task.request.traffic
        if not isinstance(traffic, Tcp | Udp):
            msg = f"iperf3 does not speak {traffic.protocol.upper()}"
        elif isinstance(traffic, Tcp) and traffic.receive == "discard":
            msg = "Tcp(receive='discard') is the native driver's; iperf3 copies what it receives"
        elif request.duration_s % 1 or request.warmup_s % 1:
            msg = "iperf3 measures and warms up for whole seconds"
        else:
            return
        raise DriverError(msg, reason="unsupported")

    def listens_on(self, task: DriverTask) -> str:  # noqa: ARG002 - the same for all
        """Its control connection is TCP, for UDP traffic too."""
        return "tcp"

    def arguments(self, task: DriverTask, role: Role, port: int) -> list[str]:
        """Write the command line."""
        request, traffic = task.request, task.request.traffic
        common = ["-J", "-p", str(port), "-i", f"{request.interval_s:g}"]
        if role == "server":
            # One client, then it ends.
            return ["-s", "-1", *common, *_bind(task.listen_host)]
        words = ["-c", request.server_host, *common, "-t", f"{request.duration_s:.0f}"]
        if request.warmup_s:
            words += ["-O", f"{request.warmup_s:.0f}"]
        if isinstance(traffic, Udp):
            rate_bps = 0.0 if traffic.asked_pps is None else traffic.asked_pps * traffic.payload_bytes * 8
            # iperf3's rate is of each stream.
            rate = f"{rate_bps / traffic.streams:.0f}"
            return [*words, "-u", "-P", str(traffic.streams), "-l", str(traffic.payload_bytes), "-b", rate]
        if isinstance(traffic, Tcp):
            words += ["-P", str(traffic.streams), "-l", str(traffic.payload_bytes)]
            words += {"forward": [], "reverse": ["-R"], "both": ["--bidir"]}[traffic.direction]
            if traffic.rate_bps is not None:
                words += ["-b", f"{traffic.rate_bps / traffic.streams:.0f}"]
            if traffic.congestion is not None:
                words += ["-C", traffic.congestion]
        return words

    def read(self, task: DriverTask, role: Role, finished: Finished) -> tuple[FlowRecord, ...]:
        """Read the JSON."""
        try:
            report = json.loads(finished.output)
        except ValueError as error:
            raise finished.failure() from error
        said = str(report.get("error", ""))
        cut_short = any(word in said for word in _INTERRUPTED) and report.get("intervals")
        if said and not cut_short:
            raise finished.failure(said)
        try:
            return parse(report, task.request.traffic, role, round(task.request.interval_s * 1e9))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            msg = f"the JSON of {finished.command!r} cannot be understood: {error!r}"
            raise DriverError(msg, reason="program-failed") from error


def parse(report: dict[str, Any], traffic: Any, role: Role, interval_ns: int) -> tuple[FlowRecord, ...]:  # noqa: ANN401 - Tcp or Udp
    """Turn iperf3's JSON into records, one for each direction this side had.

    Args:
        report: The JSON.
        traffic: What was asked for, :class:`Tcp` or :class:`Udp`.
        role: Whose JSON it is.
        interval_ns: The asked length of an interval.

    Raises:
        KeyError: The JSON is not iperf3's.
    """
    intervals = [interval["streams"] for interval in report["intervals"]]
    counted = [[stream for stream in streams if not stream["omitted"]] for streams in intervals]
    records: list[FlowRecord] = []
    for sends in (True, False):
        streams = [mine for streams in counted if (mine := [stream for stream in streams if stream["sender"] is sends])]
        if not streams:
            continue
        series = _series(streams)
        if isinstance(traffic, Udp):
            ends = [stream["udp"] for stream in report["end"]["streams"] if stream["udp"]["sender"] is sends]
            records.append(_udp(traffic, ends, series, interval_ns, sends=sends))
        else:
            direction: Direction = "forward" if sends == (role == "client") else "reverse"
            congestion = report["end"].get("sender_tcp_congestion") if sends else None
            records.append(_tcp(direction, streams, series, interval_ns, congestion, sends=sends))
    return tuple(records)


def _series(intervals: Sequence[Sequence[dict[str, Any]]]) -> IntervalSeries:
    ends: list[int] = []
    amounts: list[int] = []
    for streams in intervals:
        # Where the omitted part ends, "start" and "seconds" of iperf3 3.12 are wrong by up to an interval; "end" is
        # right.
        end_ns = round(float(streams[0]["end"]) * 1e9)
        amount = sum(int(stream["bytes"]) for stream in streams)
        if end_ns > (ends[-1] if ends else 0):
            ends.append(end_ns)
            amounts.append(amount)
        elif amounts:
            amounts[-1] += amount
    return IntervalSeries(ends_ns=tuple(ends), amounts=tuple(amounts))


def _tcp(
    direction: Direction,
    intervals: Sequence[Sequence[dict[str, Any]]],
    series: IntervalSeries,
    interval_ns: int,
    congestion: str | None,
    *,
    sends: bool,
) -> TcpSenderRecord | TcpReceiverRecord:
    totals: dict[int, int] = {}
    for streams in intervals:
        for stream in streams:
            totals[stream["socket"]] = totals.get(stream["socket"], 0) + int(stream["bytes"])
    stream_bytes = tuple(totals.values())
    throughput = throughput_of(series, interval_ns)
    if not sends:
        return TcpReceiverRecord(direction=direction, stream_bytes=stream_bytes, series=series, throughput=throughput)
    flat = [stream for streams in intervals for stream in streams]
    told = [int(stream["retransmits"]) for stream in flat if "retransmits" in stream]
    return TcpSenderRecord(
        direction=direction,
        stream_bytes=stream_bytes,
        series=series,
        throughput=throughput,
        retransmits=sum(told) if told else None,
        rtt=_histogram("ns", flat, lambda stream: int(stream["rtt"]) * 1000 if "rtt" in stream else None),
        congestion_window=_histogram("byte", flat, lambda stream: stream.get("snd_cwnd")),
        congestion=congestion,
    )


def _udp(
    traffic: Udp, ends: Sequence[dict[str, Any]], series: IntervalSeries, interval_ns: int, *, sends: bool
) -> UdpSenderRecord | UdpReceiverRecord:
    packets = tuple(int(end["packets"]) for end in ends)
    if sends:
        return UdpSenderRecord(
            stream_sent=packets,
            sent_bytes=sum(packets) * traffic.payload_bytes,
            series=series,
            asked_pps=traffic.asked_pps,
        )
    received = tuple(total - int(end["lost_packets"]) for total, end in zip(packets, ends, strict=True))
    disorder = [int(end["out_of_order"]) for end in ends if "out_of_order" in end]
    return UdpReceiverRecord(
        stream_received=received,
        received_bytes=sum(received) * traffic.payload_bytes,
        duplicated=None,
        reordered=sum(disorder) if disorder else None,
        socket_drops=None,
        stream_jitter_ns=tuple(float(end["jitter_ms"]) * 1e6 for end in ends),
        delay=None,
        series=series,
        throughput=throughput_of(series, interval_ns),
    )


def _histogram(
    unit: Unit,
    streams: Sequence[dict[str, Any]],
    value: Callable[[dict[str, Any]], int | None],
) -> HistogramData | None:
    recorder = HistogramRecorder(unit)
    # iperf3 says 0 where it did not look.
    recorder.record_many([number for stream in streams if (number := value(stream))])
    data = recorder.data()
    return data if data.count else None


def _bind(host: str) -> list[str]:
    return [] if host in {"0.0.0.0", "::"} else ["-B", host]  # noqa: S104 - compared, not bound


Iperf3Client = partial(ToolClient, tool=Iperf3())
Iperf3Server = partial(ToolServer, tool=Iperf3())
