"""Did the workers' own hosts drop what the network had carried?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.result.verdict.judgement import Doubt, Finding, doubt_of
from netbench.result.verdict.sides import Side, sides_of, traffic_s
from netbench.traffic import Tcp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netbench.result.model import Result

__all__ = ("host_doubts",)

#: Share of the datagrams sent.
_DROPPED = 1e-4
#: Packets a second that an interface, or the kernel's backlog, may drop for reasons of its own.
_BACKLOG_PER_S = 1.0
#: Per second: now and then the budget of the kernel's packet work runs out on any busy host (``netdev_budget``).
_SQUEEZED_PER_S = 20.0
#: Share of the segments sent. Loss of 1 % cuts TCP's throughput by far more (Mathis et al., 1997).
_RETRANSMITTED = 0.01


def host_doubts(result: Result) -> Iterator[Doubt]:
    """Look at socket buffers, interfaces, the kernel's packet work, and retransmits."""
    sides = tuple(sides_of(result))
    yield from _socket_drops(result, sides)
    yield from _per_second(
        result, sides, "softnet_dropped", _BACKLOG_PER_S, "host-drops", "packets dropped at its kernel's full backlog"
    )
    yield from _per_second(
        result, sides, "interface_dropped", _BACKLOG_PER_S, "interface-drops", "packets dropped by its interfaces"
    )
    yield from _per_second(
        result, sides, "softnet_squeezed", _SQUEEZED_PER_S, "softirq", "times its kernel's packet work ran out of time"
    )
    yield from _retransmits(result, sides)


def _socket_drops(result: Result, sides: tuple[Side, ...]) -> Iterator[Doubt]:
    found = []
    for pair in result.pairs:
        drops, sent = pair.socket_drops, pair.sent
        if drops and sent and drops >= _DROPPED * sent:
            words = f"{drops:,} datagrams ({drops / sent:.2%}) arrived and were dropped at the receiver's full buffer"
            found.append(Finding(str(pair.pair), drops / sent, words))
    if not found:
        found = list(_host_buffers(result, sides))
    advice = "That loss is not the network's: raise net.core.rmem_max, lower the rate, or give the receiver more CPU"
    yield from doubt_of("receive-buffer", found, _DROPPED, advice)


def _host_buffers(result: Result, sides: tuple[Side, ...]) -> Iterator[Finding]:
    """Look at the whole namespace's count, where a program's own sockets cannot be looked at."""
    sent = result.sent
    for side in sides:
        errors = side.host.udp_receive_buffer_errors if side.host is not None else None
        if sent and errors and errors >= _DROPPED * sent and side.pair.socket_drops is None:
            words = f"{errors:,} datagrams were dropped at full receive buffers of its network namespace"
            yield Finding(side.name, errors / sent, words)


def _per_second(
    result: Result, sides: tuple[Side, ...], counter: str, threshold: float, rule: str, what: str
) -> Iterator[Doubt]:
    found = []
    for side in sides:
        count = getattr(side.host, counter, None)
        if count is not None and count / traffic_s(result, side.usage) >= threshold:
            rate = count / traffic_s(result, side.usage)
            found.append(Finding(side.worker.node, rate, f"{count:,} {what}, {rate:,.3g} each second"))
    advice = "The host could not keep up: spread its interrupts (RPS, RSS), use fewer workers on it, or a lower rate"
    yield from doubt_of(rule, found, threshold, advice)


def _retransmits(result: Result, sides: tuple[Side, ...]) -> Iterator[Doubt]:
    if not isinstance(result.spec.traffic, Tcp):
        return
    found = []
    for side in sides:
        host = side.host
        if host is None or not host.tcp_segments or host.tcp_retransmits is None or not side.sends:
            continue
        share = host.tcp_retransmits / host.tcp_segments
        if share >= _RETRANSMITTED:
            words = f"{share:.1%} of the segments sent there were sent again"
            found.append(Finding(side.name, share, words))
    advice = "Packets are lost on the way: look for drops at queues and policers before you compare throughputs"
    yield from doubt_of("retransmits", found, _RETRANSMITTED, advice)
