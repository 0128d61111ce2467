"""A pair's outcome in the few fields that ClusterLoader2 and ``kubectl get`` show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.metrics import (
    HttpClientRecord,
    TcpReceiverRecord,
    UdpReceiverRecord,
    UdpSenderRecord,
)

if TYPE_CHECKING:
    from netbench.messages import PairOutcome

__all__ = ("cl2_metrics", "throughput_text")

_NS = 1e9


def cl2_metrics(outcome: PairOutcome) -> list[float]:
    """Give ClusterLoader2's numbers in the order of its metrics; what nobody measured is left out.

    TCP: KiB/s. UDP: datagrams/s, jitter in ms, mean delay in ms, lost in percent. HTTP: mean response time in s.
    """
    duration_s = _duration_s(outcome)
    records = (*outcome.client.records, *outcome.server.records)
    sent = sum(sum(each.stream_sent) for each in records if isinstance(each, UdpSenderRecord))
    for each in records:
        if isinstance(each, TcpReceiverRecord):
            return [sum(each.stream_bytes) / duration_s / 1024]
        if isinstance(each, UdpReceiverRecord):
            received = sum(each.stream_received)
            jitters = each.stream_jitter_ns
            jitter_ms = [sum(jitters) / len(jitters) / 1e6] if jitters else []
            delay_ms = (
                [each.delay.total / each.delay.count / 1e6] if each.delay is not None and each.delay.count else []
            )
            lost = [100 * max(0, sent - received) / sent] if sent else []
            return [received / duration_s, *jitter_ms, *delay_ms, *lost]
        if isinstance(each, HttpClientRecord) and each.response_time.count:
            return [each.response_time.total / each.response_time.count / _NS]
    return []


def throughput_text(outcome: PairOutcome) -> str | None:
    """Give the received payload per second for people; None where nothing tells."""
    duration_s = _duration_s(outcome)
    records = (*outcome.client.records, *outcome.server.records)
    for each in records:
        if isinstance(each, TcpReceiverRecord):
            return _rate(8 * sum(sum(r.stream_bytes) for r in records if isinstance(r, TcpReceiverRecord)) / duration_s)
        if isinstance(each, UdpReceiverRecord):
            return _rate(8 * each.received_bytes / duration_s)
        if isinstance(each, HttpClientRecord):
            return f"{each.responses / duration_s:,.0f} requests/s"
    return None


def _duration_s(outcome: PairOutcome) -> float:
    return (outcome.timing.counted_until_ns - outcome.timing.counted_from_ns) / _NS


def _rate(bits_per_s: float) -> str:
    for factor, unit in ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s")):
        if bits_per_s >= factor:
            return f"{bits_per_s / factor:.4g} {unit}"
    return f"{bits_per_s:.4g} bit/s"
