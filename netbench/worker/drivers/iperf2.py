"""The iperf2 driver: the real program, its enhanced report (``-e``) read line by line."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import attrs

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
    from collections.abc import Sequence

    from netbench.metrics import FlowRecord, HistogramData, Unit
    from netbench.worker.drivers.base import DriverTask
    from netbench.worker.drivers.external import Finished
    from netbench.worker.drivers.tool import Role

__all__ = ("Iperf2", "Iperf2Client", "Iperf2Server", "Line", "parse_lines")

_LINE = re.compile(
    r"\[ *\*?(?P<stream>\d+)\] +(?P<begin>[\d.]+)-(?P<end>[\d.]+) sec +(?P<bytes>\d+)(?:\.\d+)? Bytes +"
    r"[\d.]+ Bytes/sec(?P<rest>.*)"
)
_SENDER = re.compile(r" +(?P<writes>\d+)/\d+ +(?P<retries>\d+) +(?P<cwnd>\d+)K/(?P<rtt>\d+)(?:\(\d+\))? us")
_RECEIVER = re.compile(r" +(?P<jitter>[\d.]+) ms +(?P<lost>\d+)/ *(?P<total>\d+)")
_DISORDER = re.compile(r"\[ *\*?(\d+)\] .*?(\d+) datagrams received out-of-order")
#: As fast as it can: iperf2 takes no word for that, so a rate that nothing reaches.
_UNLIMITED = "1000g"
_EPSILON_S = 0.001


@attrs.frozen(kw_only=True)
class Line:
    """One report of one stream.

    Attributes:
        stream: The stream's number.
        begin_s: Where the report's interval begins.
        end_s: Where it ends.
        amount_bytes: Payload bytes.
        retries: TCP segments sent again, where a sender tells.
        congestion_window_bytes: The congestion window, in steps of 1,024, where a sender tells.
        rtt_us: The round-trip time, where a sender tells.
        jitter_ms: Jitter, where a UDP receiver tells.
        lost: Datagrams lost, where a UDP receiver tells.
        total: Datagrams sent as far as it can know.
    """

    stream: int
    begin_s: float
    end_s: float
    amount_bytes: int
    retries: int | None = None
    congestion_window_bytes: int | None = None
    rtt_us: int | None = None
    jitter_ms: float | None = None
    lost: int | None = None
    total: int | None = None


#: The reports of each interval, and the one over all, per stream.
_Streams: TypeAlias = "dict[int, tuple[list[Line], Line]]"


class Iperf2:
    """Implements :class:`netbench.worker.drivers.tool.Tool`."""

    name = "iperf2"

    def check(self, task: DriverTask) -> None:
        """Refuse what iperf2 cannot do."""
        traffic = task.request.traffic
        if not isinstance(traffic, Tcp | Udp):
            msg = f"iperf2 does not speak {traffic.protocol.upper()}"
        elif isinstance(traffic, Tcp) and traffic.receive == "discard":
            msg = "Tcp(receive='discard') is the native driver's; iperf2 copies what it receives"
        elif isinstance(traffic, Tcp) and traffic.direction == "both":
            msg = "iperf2's --full-duplex breaks off in 2.1.8; use driver='iperf3' or 'native' for both directions"
        else:
            return
        raise DriverError(msg, reason="unsupported")

    def listens_on(self, task: DriverTask) -> str:
        """Its server has no control connection."""
        return task.request.traffic.protocol

    def arguments(self, task: DriverTask, role: Role, port: int) -> list[str]:
        """Write the command line."""
        request, traffic = task.request, task.request.traffic
        assert isinstance(traffic, Tcp | Udp)  # noqa: S101 - checked when the driver was made
        words = ["-e", "-f", "B", "-p", str(port), "-i", f"{request.interval_s:g}", "-P", str(traffic.streams)]
        if ":" in request.server_host:
            words.append("-V")
        if isinstance(traffic, Udp):
            words.append("-u")
        if role == "server":
            # -P: that many streams, then it ends. -l: room for the datagrams.
            size = ["-l", str(traffic.payload_bytes)] if isinstance(traffic, Udp) else []
            return ["-s", *words, *size, *_bind(task.listen_host)]
        words = ["-c", request.server_host, *words, "-t", f"{request.warmup_s + request.duration_s:g}"]
        words += ["-l", str(traffic.payload_bytes)]
        if isinstance(traffic, Udp):
            pps = traffic.asked_pps
            # iperf2's rate is of each stream.
            rate = _UNLIMITED if pps is None else f"{pps * traffic.payload_bytes * 8 / traffic.streams:.0f}"
            return [*words, "-b", rate]
        if traffic.direction == "reverse":
            words.append("-R")
        if traffic.rate_bps is not None:
            words += ["-b", f"{traffic.rate_bps / traffic.streams:.0f}"]
        if traffic.congestion is not None:
            words += ["-Z", traffic.congestion]
        return words

    def read(self, task: DriverTask, role: Role, finished: Finished) -> tuple[FlowRecord, ...]:
        """Read the reports."""
        if "congestion control failed" in finished.complaint:
            # iperf2 says so and goes on with another algorithm.
            raise DriverError(finished.complaint.strip().partition("\n")[0], reason="unsupported")
        streams = parse_lines(finished.output)
        if not streams:
            # iperf2's exit code is 0 even where it could not connect.
            raise finished.failure()
        request, traffic = task.request, task.request.traffic
        series = _series(streams, request.warmup_s)
        interval_ns = round(request.interval_s * 1e9)
        if isinstance(traffic, Udp):
            return (_udp(traffic, streams, series, interval_ns, role, finished.output),)
        assert isinstance(traffic, Tcp)  # noqa: S101 - checked when the driver was made
        direction = traffic.directions[0]
        lines = [
            line
            for intervals, _ in streams.values()
            for line in intervals
            if line.begin_s >= request.warmup_s - _EPSILON_S
        ]
        stream_bytes = tuple(sum(line.amount_bytes for line in lines if line.stream == stream) for stream in streams)
        throughput = throughput_of(series, interval_ns)
        if (role == "client") != (direction == "forward"):
            record: FlowRecord = TcpReceiverRecord(
                direction=direction, stream_bytes=stream_bytes, series=series, throughput=throughput
            )
            return (record,)
        retries = [line.retries for line in lines if line.retries is not None]
        return (
            TcpSenderRecord(
                direction=direction,
                stream_bytes=stream_bytes,
                series=series,
                throughput=throughput,
                retransmits=sum(retries) if retries else None,
                rtt=_histogram("ns", [line.rtt_us * 1000 for line in lines if line.rtt_us]),
                congestion_window=_histogram(
                    "byte", [line.congestion_window_bytes for line in lines if line.congestion_window_bytes]
                ),
                congestion=traffic.congestion,
            ),
        )


def parse_lines(output: str) -> _Streams:
    """Read the reports of each stream; the last one of a stream is the one over all."""
    lines: dict[int, list[Line]] = {}
    for text in output.splitlines():
        match = _LINE.match(text)
        if match is None:
            continue
        sender, receiver = _SENDER.match(match["rest"]), _RECEIVER.match(match["rest"])
        line = Line(
            stream=int(match["stream"]),
            begin_s=float(match["begin"]),
            end_s=float(match["end"]),
            amount_bytes=int(match["bytes"]),
            retries=int(sender["retries"]) if sender else None,
            congestion_window_bytes=int(sender["cwnd"]) * 1024 if sender else None,
            rtt_us=int(sender["rtt"]) if sender else None,
            jitter_ms=float(receiver["jitter"]) if receiver else None,
            lost=int(receiver["lost"]) if receiver else None,
            total=int(receiver["total"]) if receiver else None,
        )
        known = lines.setdefault(line.stream, [])
        # A UDP client repeats its server's report at the end; that is told by the server itself.
        if len(known) > 1 and known[-1].begin_s == 0 < known[-2].end_s and line.begin_s == 0:
            continue
        known.append(line)
    return {stream: (found[:-1] or found, found[-1]) for stream, found in lines.items()}


def _series(streams: _Streams, warmup_s: float) -> IntervalSeries:
    """Sum the streams' intervals; they end at the same instants, but for the last ones, which are a little apart."""
    ends: list[float] = []
    amounts: list[int] = []
    columns = [
        [line for line in intervals if line.begin_s >= warmup_s - _EPSILON_S] for intervals, _ in streams.values()
    ]
    for index in range(max(map(len, columns))):
        row = [column[index] for column in columns if index < len(column)]
        ends.append(max(line.end_s for line in row) - warmup_s)
        amounts.append(sum(line.amount_bytes for line in row))
    return IntervalSeries(ends_ns=tuple(round(end * 1e9) for end in ends), amounts=tuple(amounts))


def _udp(
    traffic: Udp, streams: _Streams, series: IntervalSeries, interval_ns: int, role: Role, output: str
) -> FlowRecord:
    finals = [final for _, final in streams.values()]
    if role == "client":
        sent = tuple(final.amount_bytes // traffic.payload_bytes for final in finals)
        return UdpSenderRecord(
            stream_sent=sent,
            sent_bytes=sum(sent) * traffic.payload_bytes,
            series=series,
            asked_pps=traffic.asked_pps,
        )
    received = tuple(final.amount_bytes // traffic.payload_bytes for final in finals)
    disorder = {int(stream): int(count) for stream, count in _DISORDER.findall(output)}
    return UdpReceiverRecord(
        stream_received=received,
        received_bytes=sum(received) * traffic.payload_bytes,
        duplicated=None,
        # iperf2 mentions it only where there is some.
        reordered=sum(disorder.values()),
        socket_drops=None,
        stream_jitter_ns=tuple(final.jitter_ms * 1e6 for final in finals if final.jitter_ms is not None),
        delay=None,
        series=series,
        throughput=throughput_of(series, interval_ns),
    )


def _histogram(unit: Unit, values: Sequence[int]) -> HistogramData | None:
    recorder = HistogramRecorder(unit)
    recorder.record_many(values)
    return recorder.data() if values else None


def _bind(host: str) -> list[str]:
    return [] if host in {"0.0.0.0", "::"} else ["-B", host]  # noqa: S104 - compared, not bound


Iperf2Client = partial(ToolClient, tool=Iperf2())
Iperf2Server = partial(ToolServer, tool=Iperf2())
