"""What one pair measured, in base units: seconds, bit/s, bytes, counts. What nobody measured is None, never 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs

from netbench import validation as v
from netbench.errors import MissingValueError
from netbench.messages import PairOutcome
from netbench.metrics import (
    HttpClientRecord,
    HttpServerRecord,
    IntervalSeries,
    TcpReceiverRecord,
    TcpSenderRecord,
    UdpReceiverRecord,
    UdpSenderRecord,
    Usage,
)
from netbench.result.combine import complete_sum, merged_or_none, rate_bps
from netbench.result.cpu import CpuUse
from netbench.topology import Pair

if TYPE_CHECKING:
    from netbench.histogram import Histogram
    from netbench.traffic import Direction

__all__ = ("PairResult",)

_NS_PER_S = 1_000_000_000

Record = TypeVar(
    "Record",
    TcpSenderRecord,
    TcpReceiverRecord,
    UdpSenderRecord,
    UdpReceiverRecord,
    HttpClientRecord,
    HttpServerRecord,
)


@attrs.frozen(kw_only=True)
class PairResult:
    """What one pair measured.

    Attributes:
        round_index: The round it sent in, from 0.
        pair: The pair.
        outcome: Both sides' reports as they arrived, and when traffic counted.
    """

    round_index: int = attrs.field(validator=v.integer(at_least=0))
    pair: Pair
    outcome: PairOutcome

    # -- when ----------------------------------------------------------------------------------------------------------

    @property
    def window(self) -> tuple[int, int]:
        """From when until when traffic counted, in Unix nanoseconds of the time base."""
        return self.outcome.timing.counted_from_ns, self.outcome.timing.counted_until_ns

    @property
    def sending(self) -> tuple[int, int]:
        """The part of that in which it really was sending: a pair that started late missed the beginning."""
        start, end = self.window
        timing = self.outcome.timing
        return min(max(start, timing.asked_start_ns + timing.start_lateness_ns), end), end

    @property
    def window_s(self) -> float | None:
        """How long traffic counted, None where the pair was stopped before it did."""
        start, end = self.window
        return (end - start) / _NS_PER_S if end > start else None

    @property
    def start_lateness_s(self) -> float:
        """The first send less the asked start instant."""
        return self.outcome.timing.start_lateness_ns / _NS_PER_S

    @property
    def clock_offset_s(self) -> float:
        """The server's clock less the client's, before the start."""
        return self.outcome.timing.peer_clock.offset_ns / _NS_PER_S

    @property
    def clock_drift_s(self) -> float | None:
        """How much that had changed after the end; None where it could not be compared again."""
        after = self.outcome.timing.peer_clock_after
        return None if after is None else (after.offset_ns - self.outcome.timing.peer_clock.offset_ns) / _NS_PER_S

    @property
    def clock_bound_s(self) -> float:
        """The clock offset, and with it every one-way delay, is within this of the truth at any time of the run.

        It is the greater bound of the comparisons before and after (half the delay of the best ping-pong, RFC 5905),
        and what the clocks drifted in between.
        """
        before, after = self.outcome.timing.peer_clock, self.outcome.timing.peer_clock_after
        bound_ns = before.bound_ns
        if after is not None:
            bound_ns = max(bound_ns, after.bound_ns) + abs(after.offset_ns - before.offset_ns)
        return bound_ns / _NS_PER_S

    # -- who -----------------------------------------------------------------------------------------------------------

    @property
    def client_usage(self) -> Usage:
        """Processor time as the client worker reported it."""
        return self.outcome.client.usage

    @property
    def server_usage(self) -> Usage:
        """Processor time as the server worker reported it."""
        return self.outcome.server.usage

    @property
    def client_cpu(self) -> CpuUse:
        """The same for the client, summed up."""
        return CpuUse.of(self.client_usage)

    @property
    def server_cpu(self) -> CpuUse:
        """The same for the server, summed up."""
        return CpuUse.of(self.server_usage)

    @property
    def tools(self) -> tuple[str, ...]:
        """The programs that made the traffic, with their versions."""
        return tuple(sorted({self.outcome.client.tool, self.outcome.server.tool}))

    # -- amounts and throughput ----------------------------------------------------------------------------------------

    @property
    def receiver_series(self) -> tuple[IntervalSeries, ...]:
        """Payload bytes per interval as received: one series a direction; for HTTP one of body bytes both ways."""
        return tuple(record.series for record in self._receivers())

    @property
    def throughput_bps(self) -> float | None:
        """Payload bit/s that arrived while traffic counted, both directions together; for HTTP body bytes both ways."""
        tcp = self._of(TcpReceiverRecord)
        if tcp:
            return complete_sum(rate_bps(record.series) for record in tcp)
        amount = self.received_bytes
        http = self._of(HttpClientRecord)
        if http and amount is not None:
            amount += sum(record.sent_bytes for record in http)
        return None if amount is None or self.window_s is None else amount * 8 / self.window_s

    @property
    def forward_throughput_bps(self) -> float | None:
        """TCP from client to server; None for other traffic, and where nothing was sent that way."""
        return self._throughput_of("forward")

    @property
    def reverse_throughput_bps(self) -> float | None:
        """TCP from server to client; None for other traffic, and where nothing was sent that way."""
        return self._throughput_of("reverse")

    @property
    def bandwidth(self) -> Histogram:
        """The receiver's bit/s, one value an interval and direction.

        Raises:
            MissingValueError: No interval was measured.
        """
        measured = self.receiver_bandwidth
        if measured is None:
            msg = f"{self.pair} has no bandwidth: no interval of its traffic was measured"
            raise MissingValueError(msg)
        return measured

    @property
    def receiver_bandwidth(self) -> Histogram | None:
        """The same, None where no interval was measured."""
        return merged_or_none(record.throughput for record in self._receivers())

    @property
    def sender_bandwidth(self) -> Histogram | None:
        """The sender's bit/s, one value an interval and direction; TCP only."""
        return merged_or_none(record.throughput for record in self._of(TcpSenderRecord))

    @property
    def sent_bytes(self) -> int | None:
        """Payload bytes handed to the sender's kernel; for HTTP the client's body bytes."""
        tcp = (sum(record.stream_bytes) for record in self._of(TcpSenderRecord))
        udp = (record.sent_bytes for record in self._of(UdpSenderRecord))
        http = (record.sent_bytes for record in self._of(HttpClientRecord))
        return complete_sum((*tcp, *udp, *http))

    @property
    def received_bytes(self) -> int | None:
        """Payload bytes that the receiver read; for HTTP the body bytes that the client read."""
        tcp = (sum(record.stream_bytes) for record in self._of(TcpReceiverRecord))
        udp = (record.received_bytes for record in self._of(UdpReceiverRecord))
        http = (record.received_bytes for record in self._of(HttpClientRecord))
        return complete_sum((*tcp, *udp, *http))

    # -- TCP -----------------------------------------------------------------------------------------------------------

    @property
    def retransmits(self) -> int | None:
        """Segments sent again, over all streams and directions."""
        return complete_sum(record.retransmits for record in self._of(TcpSenderRecord))

    @property
    def rtt(self) -> Histogram | None:
        """Smoothed round-trip time as the sender's kernel sees it, sampled per stream each interval."""
        return merged_or_none(record.rtt for record in self._of(TcpSenderRecord))

    @property
    def congestion_window(self) -> Histogram | None:
        """Bytes that may be under way, sampled per stream each interval."""
        return merged_or_none(record.congestion_window for record in self._of(TcpSenderRecord))

    # -- latency -------------------------------------------------------------------------------------------------------

    @property
    def latency(self) -> Histogram:
        """The traffic's own latency: TCP's round trip, UDP's one-way delay, HTTP's response time.

        Raises:
            MissingValueError: It was not measured; the message says why.
        """
        measured = self.rtt or self.one_way_delay or self.response_time
        if measured is None:
            msg = (
                f"{self.pair} has no latency: {' and '.join(self.tools)} did not report one, or nothing arrived; "
                "the native driver measures it for all traffic"
            )
            raise MissingValueError(msg)
        return measured

    # -- UDP -----------------------------------------------------------------------------------------------------------

    @property
    def sent(self) -> int | None:
        """Datagrams sent."""
        return complete_sum(sum(record.stream_sent) for record in self._of(UdpSenderRecord))

    @property
    def received(self) -> int | None:
        """Different datagrams received of those that were sent while traffic counted."""
        return complete_sum(sum(record.stream_received) for record in self._of(UdpReceiverRecord))

    @property
    def lost(self) -> int | None:
        """Datagrams sent less those received."""
        sent, received = self.sent, self.received
        return None if sent is None or received is None else sent - received

    @property
    def loss_ratio(self) -> float | None:
        """Lost datagrams as a share of those sent, 0 to 1; None where none was sent."""
        lost, sent = self.lost, self.sent
        return lost / sent if lost is not None and sent else None

    @property
    def duplicated(self) -> int | None:
        """Datagrams that came again."""
        return complete_sum(record.duplicated for record in self._of(UdpReceiverRecord))

    @property
    def reordered(self) -> int | None:
        """Datagrams that came after one with a higher sequence number (RFC 4737)."""
        return complete_sum(record.reordered for record in self._of(UdpReceiverRecord))

    @property
    def socket_drops(self) -> int | None:
        """Datagrams that reached the receiver's host and were dropped at its full socket buffer, not by the network."""
        return complete_sum(record.socket_drops for record in self._of(UdpReceiverRecord))

    @property
    def send_errors(self) -> int | None:
        """Datagrams that the sender's kernel refused; these do not count as sent."""
        return complete_sum(record.send_errors for record in self._of(UdpSenderRecord))

    @property
    def strangers(self) -> int:
        """Connections that the server closed because they were none of its fleet's."""
        return self.outcome.server.strangers

    @property
    def jitter_s(self) -> float | None:
        """Interarrival jitter (RFC 3550): the mean of the streams, each weighted by what it received."""
        streams = [
            (received, jitter_ns)
            for record in self._of(UdpReceiverRecord)
            for received, jitter_ns in zip(record.stream_received, record.stream_jitter_ns, strict=False)
        ]
        weight = sum(received for received, _ in streams)
        if not weight:
            return None
        return sum(received * jitter_ns for received, jitter_ns in streams) / weight / _NS_PER_S

    @property
    def asked_pps(self) -> float | None:
        """Datagrams per second that were asked for; None for unlimited."""
        return complete_sum(record.asked_pps for record in self._of(UdpSenderRecord))

    @property
    def sent_pps(self) -> float | None:
        """Datagrams per second that were sent."""
        return self._per_second(self.sent)

    @property
    def received_pps(self) -> float | None:
        """Datagrams per second that were received."""
        return self._per_second(self.received)

    @property
    def one_way_delay(self) -> Histogram | None:
        """From send to arrival, corrected by the clock offset; true to :attr:`clock_bound_s` and never clamped."""
        return merged_or_none(record.delay for record in self._of(UdpReceiverRecord))

    # -- HTTP ----------------------------------------------------------------------------------------------------------

    @property
    def requests(self) -> int | None:
        """Requests that were due while traffic counted, answered or not."""
        return complete_sum(record.requests for record in self._of(HttpClientRecord))

    @property
    def responses(self) -> int | None:
        """Those of them that were answered whole, whatever the status code."""
        return complete_sum(record.responses for record in self._of(HttpClientRecord))

    @property
    def requests_per_s(self) -> float | None:
        """Requests per second that left while traffic counted, and were answered."""
        left_late = complete_sum(record.left_late for record in self._of(HttpClientRecord))
        return self._per_second(None if self.responses is None else self.responses - (left_late or 0))

    @property
    def left_ratio(self) -> float | None:
        """Of the requests that were due while traffic counted, the share that had left by its end.

        The others found no connection that did not wait for an answer.
        """
        records = self._of(HttpClientRecord)
        due = sum(record.requests for record in records)
        late = sum(record.left_late + record.errors.get("unsent", 0) for record in records)
        return 1 - late / due if due else None

    @property
    def asked_rps(self) -> float | None:
        """Requests per second that were asked for; None in a closed loop."""
        return complete_sum(record.asked_rps for record in self._of(HttpClientRecord))

    @property
    def status_codes(self) -> dict[str, int] | None:
        """Answers per status code."""
        records = self._of(HttpClientRecord)
        return dict(records[0].status_codes) if records else None

    @property
    def errors(self) -> dict[str, int] | None:
        """Requests without a whole answer, per kind; empty where each was answered."""
        records = self._of(HttpClientRecord)
        return dict(records[0].errors) if records else None

    @property
    def response_time(self) -> Histogram | None:
        """From the instant a request was meant to leave to the last byte of its answer."""
        return merged_or_none(record.response_time for record in self._of(HttpClientRecord))

    @property
    def service_time(self) -> Histogram | None:
        """From the instant a request really left to the last byte of its answer."""
        return merged_or_none(record.service_time for record in self._of(HttpClientRecord))

    @property
    def send_lateness(self) -> Histogram | None:
        """From the instant a request or datagram was due to its sending, to two digits: up to 0.5 % or 4 ns off."""
        records: tuple[HttpClientRecord | UdpSenderRecord, ...]
        records = (*self._of(HttpClientRecord), *self._of(UdpSenderRecord))
        return merged_or_none(record.send_lateness for record in records)

    # -- inner ---------------------------------------------------------------------------------------------------------

    def _of(self, kind: type[Record]) -> tuple[Record, ...]:
        sides = (self.outcome.client, self.outcome.server)
        return tuple(record for side in sides for record in side.records if isinstance(record, kind))

    def _receivers(self) -> tuple[TcpReceiverRecord | UdpReceiverRecord | HttpClientRecord, ...]:
        return (*self._of(TcpReceiverRecord), *self._of(UdpReceiverRecord), *self._of(HttpClientRecord))

    def _throughput_of(self, direction: Direction) -> float | None:
        records = [record for record in self._of(TcpReceiverRecord) if record.direction == direction]
        return complete_sum(rate_bps(record.series) for record in records)

    def _per_second(self, amount: int | None) -> float | None:
        return None if amount is None or self.window_s is None else amount / self.window_s
