"""What the two sides of a pair saw, as plain values.

Sender and receiver are kept apart: each record is what one side saw of one direction. A value that nobody measured is
None, never 0. Instants are nanoseconds relative to the first counted instant of the pair's window unless said
otherwise.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs

from netbench import validation as v
from netbench.integers import Integers
from netbench.traffic import Direction

__all__ = (
    "FlowRecord",
    "HistogramData",
    "HostCounters",
    "HttpClientRecord",
    "HttpServerRecord",
    "IntervalSeries",
    "SideReport",
    "TcpReceiverRecord",
    "TcpSenderRecord",
    "UdpReceiverRecord",
    "UdpSenderRecord",
    "Unit",
    "Usage",
)

#: What one count in a histogram means: nanoseconds, bits per second or bytes.
Unit: TypeAlias = Literal["ns", "bit/s", "byte"]


def _one_amount_each(instance: IntervalSeries, attribute: attrs.Attribute[Any], value: Integers) -> None:
    if len(value) != len(instance.ends_ns):
        raise v.fail(instance, attribute.name, value, f"one amount for each of {len(instance.ends_ns)} intervals")


def _bounds_unless_empty(instance: HistogramData, attribute: attrs.Attribute[Any], value: int | None) -> None:
    if (value is None) != (instance.count == 0):
        expected = "None" if instance.count == 0 else f"a number, since {instance.count} values were recorded"
        raise v.fail(instance, attribute.name, value, expected)


@attrs.frozen(kw_only=True)
class HistogramData:
    """A histogram as it travels: HDR V2 compressed base64, with exact moments beside it.

    Attributes:
        unit: What one count means.
        count: Values recorded.
        total: Their exact sum.
        minimum: The exact least value, None when empty.
        maximum: The exact greatest value, None when empty.
        positive: The values >= 0, HDR V2 compressed base64 (``HISTFAAA...``).
        negative: The magnitudes of the values < 0 in the same form, None where there are none. One-way delays may be
            negative by as much as the clock bound and are not clamped.
    """

    unit: Unit
    count: int = attrs.field(validator=v.integer(at_least=0))
    total: int
    minimum: int | None = attrs.field(validator=_bounds_unless_empty)
    maximum: int | None = attrs.field(validator=_bounds_unless_empty)
    positive: str
    negative: str | None = None


@attrs.frozen(kw_only=True)
class IntervalSeries:
    """Bytes per interval.

    Attributes:
        ends_ns: Where each interval really ended, counted from the first counted instant; the first begins at 0. The
            native drivers tell it to the microsecond.
        amounts: Payload bytes in each interval, same length.

    Raises:
        InvalidArgumentError: There is not one amount for each interval.
    """

    ends_ns: Integers = attrs.field(converter=Integers)
    amounts: Integers = attrs.field(converter=Integers, validator=_one_amount_each)


@attrs.frozen(kw_only=True)
class HostCounters:
    """What the kernel of a worker's host counted while the traffic flowed, of others' traffic too.

    Each is None where it cannot be read.

    Attributes:
        idle_share: Share of all its processors' time in which they had nothing to do, from 0 to 1 (``/proc/stat``).
        steal_share: Share of their time that a hypervisor gave to others.
        softnet_dropped: Packets dropped because the kernel's backlog was full (``/proc/net/softnet_stat``).
        softnet_squeezed: Times that the kernel's packet work ran out of budget or time with packets left (likewise).
        interface_dropped: Packets dropped by the interfaces of the worker's network namespace, in and out
            (``/proc/net/dev``).
        udp_receive_buffer_errors: Datagrams dropped at full receive buffers of that namespace (``/proc/net/snmp``).
        udp_send_buffer_errors: Datagrams that found a full send buffer there.
        tcp_segments: TCP segments sent there.
        tcp_retransmits: Those of them that were sent again.
    """

    idle_share: float | None = None
    steal_share: float | None = None
    softnet_dropped: int | None = None
    softnet_squeezed: int | None = None
    interface_dropped: int | None = None
    udp_receive_buffer_errors: int | None = None
    udp_send_buffer_errors: int | None = None
    tcp_segments: int | None = None
    tcp_retransmits: int | None = None


@attrs.frozen(kw_only=True)
class Usage:
    """Processor time that one worker's process, with the tools it started, used while the traffic flowed.

    Attributes:
        cpu_user_s: Seconds in user space.
        cpu_system_s: Seconds in the kernel on its behalf.
        wall_s: Seconds that passed meanwhile.
        throttled_s: Seconds for which its cgroup's CPU limit held it (``cpu.stat``); None where there is no limit or it
            cannot be read.
        throttled_share: Share of the scheduler's periods in which that happened, from 0 to 1; None likewise.
        busiest_thread_s: Processor time of the thread that used most; None where it cannot be read.
        run_queue_s: How long the thread that waited most was ready to run and had no processor
            (``schedstat``); None likewise.
        host: What the host's kernel counted meanwhile; None where nothing can be read.
    """

    cpu_user_s: float
    cpu_system_s: float
    wall_s: float
    throttled_s: float | None = None
    throttled_share: float | None = None
    busiest_thread_s: float | None = None
    run_queue_s: float | None = None
    host: HostCounters | None = None


@attrs.frozen(kw_only=True)
class TcpSenderRecord:
    """The sending side of one TCP direction.

    Attributes:
        direction: Which way the payload went.
        stream_bytes: Payload bytes handed to the kernel, per stream.
        series: The same per interval, over all streams.
        throughput: bit/s of each interval.
        retransmits: Segments sent again, over all streams (TCP_INFO ``tcpi_total_retrans``).
        rtt: Smoothed round-trip time (``tcpi_rtt``), sampled per stream each interval.
        congestion_window: Bytes (``tcpi_snd_cwnd`` x ``tcpi_snd_mss``), sampled per stream each interval.
        congestion: The congestion control algorithm really in use.
    """

    direction: Direction
    stream_bytes: tuple[int, ...]
    series: IntervalSeries
    throughput: HistogramData
    retransmits: int | None = None
    rtt: HistogramData | None = None
    congestion_window: HistogramData | None = None
    congestion: str | None = None


@attrs.frozen(kw_only=True)
class TcpReceiverRecord:
    """The receiving side of one TCP direction.

    Attributes:
        direction: Which way the payload went.
        stream_bytes: Payload bytes read, per stream.
        series: The same per interval, over all streams.
        throughput: bit/s of each interval.
    """

    direction: Direction
    stream_bytes: tuple[int, ...]
    series: IntervalSeries
    throughput: HistogramData


@attrs.frozen(kw_only=True)
class UdpSenderRecord:
    """The sending side of a UDP flow.

    Attributes:
        stream_sent: Datagrams sent, per stream.
        sent_bytes: Their payload.
        series: Payload bytes per interval, None where the tool does not tell.
        asked_pps: Datagrams per second that were asked for; None for unlimited.
        send_errors: Sends that the kernel refused (full queue, no route); these were not sent.
        send_lateness: From the instant at which a datagram was due to its sending, to two digits; None where none was
            due at an instant of its own, or the tool does not tell.
    """

    stream_sent: tuple[int, ...]
    sent_bytes: int
    series: IntervalSeries | None
    asked_pps: float | None
    send_errors: int | None = None
    send_lateness: HistogramData | None = None


@attrs.frozen(kw_only=True)
class UdpReceiverRecord:
    """The receiving side of a UDP flow. A datagram belongs to the window if it was sent in it.

    Attributes:
        stream_received: Different datagrams received, per stream; lost is sent less this.
        received_bytes: Their payload.
        duplicated: Datagrams that came again.
        reordered: Datagrams with a lower sequence number than one that came before (RFC 4737, type-P-reordered).
        socket_drops: Datagrams that reached this host and were dropped at the full receive buffer (``SO_MEMINFO``).
        stream_jitter_ns: Interarrival jitter at the end, per stream (RFC 3550, section 6.4.1).
        delay: One-way delay, corrected by the measured clock offset, never clamped.
        series: Payload bytes per interval of arrival.
        throughput: bit/s of each interval.
    """

    stream_received: tuple[int, ...]
    received_bytes: int
    duplicated: int | None
    reordered: int | None
    socket_drops: int | None
    stream_jitter_ns: tuple[float, ...]
    delay: HistogramData | None
    series: IntervalSeries
    throughput: HistogramData


@attrs.frozen(kw_only=True)
class HttpClientRecord:
    """The client's side of an HTTP flow. A request belongs to the window if it was meant to start in it.

    Attributes:
        requests: Requests that were due in the window, answered or not.
        responses: Those of them that were answered whole, whatever the status code.
        status_codes: Answers per status code, as text.
        errors: Requests without a whole answer, per kind: ``timeout``, ``reset``, ``refused``, ``closed``,
            ``malformed``, ``unsent``.
        response_time: From the intended start to the last byte of the answer. It and the next are coarser than three
            digits, though never than two, where they would take too much room otherwise.
        service_time: From the real send to the last byte.
        send_lateness: From the intended start to the real send, to two digits.
        connections_opened: TCP connections made.
        left_late: Of the responses, those to requests that left after the window's end, because all connections were
            waiting until then.
        asked_rps: Requests per second asked for; None in a closed loop.
        received_bytes: Body bytes received.
        sent_bytes: Body bytes sent.
        series: Body bytes both ways per interval.
        throughput: bit/s of each interval, body bytes both ways.
    """

    requests: int
    responses: int
    status_codes: dict[str, int]
    errors: dict[str, int]
    response_time: HistogramData
    service_time: HistogramData
    send_lateness: HistogramData
    connections_opened: int
    asked_rps: float | None
    received_bytes: int
    sent_bytes: int
    series: IntervalSeries
    throughput: HistogramData
    left_late: int = 0


@attrs.frozen(kw_only=True)
class HttpServerRecord:
    """The server's side of an HTTP flow, over its whole life, warm-up included.

    Attributes:
        requests: Requests answered.
        connections: Connections accepted.
    """

    requests: int
    connections: int


FlowRecord: TypeAlias = (
    TcpSenderRecord | TcpReceiverRecord | UdpSenderRecord | UdpReceiverRecord | HttpClientRecord | HttpServerRecord
)


@attrs.frozen(kw_only=True)
class SideReport:
    """What one worker saw of one pair.

    Attributes:
        records: One for each direction and role this side had.
        usage: Its processor time; of the whole worker, so pairs that share a worker share it.
        tool: Name and version of the program that made the traffic, such as ``iperf3 3.12``; ``native`` for our own.
        command: The command line, where a program was run.
        strangers: Connections that this worker closed during the session because they did not prove to be of its fleet.
    """

    records: tuple[FlowRecord, ...]
    usage: Usage
    tool: str
    command: str | None = None
    strangers: int = 0
