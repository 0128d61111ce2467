"""Did the workers' own hosts drop what the network had carried?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.result.verdict.judgement import Doubt, Finding, doubt_of
from netbench.result.verdict.sides import Side, sides_of, traffic_s
from netbench.traffic import Http, Udp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netbench.result.model import Result
    from netbench.result.pair import PairResult

__all__ = ("host_doubts",)

#: Shares of the datagrams sent: dropped at the receiver's full buffer, and at the sender's own full queue.
_DROPPED, _UNSENT = 1e-4, 1e-3
#: Packets a second that an interface, or the kernel's backlog, may drop for reasons of its own.
_BACKLOG_PER_S = 1.0
#: Per second: now and then the budget of the kernel's packet work runs out on any busy host (``netdev_budget``).
_SQUEEZED_PER_S = 20.0
#: Share of the segments sent. Loss of 1 % cuts TCP's throughput by far more (Mathis et al., 1997).
_RETRANSMITTED = 0.01
#: From here on a rate's fractions are not written.
_WHOLE = 100.0
_OVERRUN = "The host could not keep up: spread its interrupts (RPS, RSS), use fewer workers on it, or a lower rate"
_INTERFACES = (
    "Not all that was lost was lost by the network: ip -s -s link says at which interface of that network namespace, "
    "such as one with a full queue or ring"
)


def host_doubts(result: Result) -> Iterator[Doubt]:
    """Look at socket buffers, interfaces, the kernel's packet work, and retransmits."""
    sides = tuple(sides_of(result))
    yield from _socket_drops(result, sides)
    yield from _send_drops(sides)
    backlog = _per_second(result, sides, "softnet_dropped", _BACKLOG_PER_S, "packets dropped at its kernel's backlog")
    yield from doubt_of("host-drops", backlog, _BACKLOG_PER_S, f"{_OVERRUN}, and raise net.core.netdev_max_backlog")
    # Frames of no protocol that the host knows count there too, day and night; they cost the traffic nothing.
    losing = tuple(side for side in sides if _lost_something(result, side.pair))
    interfaces = _per_second(result, losing, "interface_dropped", _BACKLOG_PER_S, "packets dropped by its interfaces")
    yield from doubt_of("interface-drops", interfaces, _BACKLOG_PER_S, _INTERFACES)
    squeezed = _per_second(
        result, sides, "softnet_squeezed", _SQUEEZED_PER_S, "times its kernel's packet work ran out of time"
    )
    yield from doubt_of("softirq", squeezed, _SQUEEZED_PER_S, f"{_OVERRUN}, and raise net.core.netdev_budget")
    yield from _retransmits(result, sides)


def _lost_share(side: Side, counter: str) -> float:
    """Give what a namespace's counter can explain of its pair's loss, as a share of what the pair sent.

    Other pairs in the same namespace count there too; a pair that lost nothing has nothing to explain.
    """
    count, sent, lost = getattr(side.host, counter, None), side.pair.sent, side.pair.lost
    if not count or not sent:
        return 0.0
    return float(min(count, sent if lost is None else lost)) / sent


def _lost_something(result: Result, pair: PairResult) -> bool:
    """Whether a pair lost packets, or may have: what nobody counted is not taken for nothing."""
    if isinstance(result.spec.traffic, Udp):
        return pair.lost is None or pair.lost > 0
    hosts = (pair.outcome.client.usage.host, pair.outcome.server.usage.host)
    return any(host is None or host.tcp_retransmits is None or host.tcp_retransmits > 0 for host in hosts)


def _socket_drops(result: Result, sides: tuple[Side, ...]) -> Iterator[Doubt]:
    found = []
    for pair in result.pairs:
        drops, sent = pair.socket_drops, pair.sent
        if drops and sent and drops >= _DROPPED * sent:
            words = f"{drops:,} datagrams ({drops / sent:.2%}) arrived and were dropped at the receiver's full buffer"
            found.append(Finding(str(pair.pair), drops / sent, words))
    if not found:
        found = list(_host_buffers(sides))
    advice = "That loss is not the network's: raise net.core.rmem_max, lower the rate, or give the receiver more CPU"
    yield from doubt_of("receive-buffer", found, _DROPPED, advice)


def _host_buffers(sides: tuple[Side, ...]) -> Iterator[Finding]:
    """Look at the whole namespace's count, where a program's own sockets cannot be looked at."""
    for side in sides:
        share = _lost_share(side, "udp_receive_buffer_errors")
        if share >= _DROPPED and side.pair.socket_drops is None:
            words = (
                f"datagrams ({share:.2%} of those sent) were dropped at full receive buffers of its network namespace"
            )
            yield Finding(side.name, share, words)


def _send_drops(sides: tuple[Side, ...]) -> Iterator[Doubt]:
    """Look for datagrams that the sender's kernel took, said nothing, and threw away; to the receiver they are lost."""
    found = []
    for side in sides:
        share = _lost_share(side, "udp_send_buffer_errors") if side.sends else 0.0
        if share >= _UNSENT:
            words = f"datagrams ({share:.2%} of those sent) were dropped at its own full queue and never left it"
            found.append(Finding(side.name, share, words))
    advice = "They are in the loss: the sender's own link or its limit is full, so lower the rate, or read it as that"
    yield from doubt_of("send-drops", found, _UNSENT, advice)


def _per_second(
    result: Result, sides: tuple[Side, ...], counter: str, threshold: float, what: str
) -> Iterator[Finding]:
    for side in sides:
        count = getattr(side.host, counter, None)
        if count is not None and count / traffic_s(result, side.usage) >= threshold:
            rate = count / traffic_s(result, side.usage)
            yield Finding(
                side.worker.node, rate, f"{count:,} {what}, {rate:,.{0 if rate >= _WHOLE else 1}f} each second"
            )


def _retransmits(result: Result, sides: tuple[Side, ...]) -> Iterator[Doubt]:
    if isinstance(result.spec.traffic, Udp):
        return
    both_send = isinstance(result.spec.traffic, Http)
    found = []
    for side in sides:
        host = side.host
        if host is None or not host.tcp_segments or host.tcp_retransmits is None or not (side.sends or both_send):
            continue
        share = host.tcp_retransmits / host.tcp_segments
        if share >= _RETRANSMITTED:
            words = f"{share:.1%} of the segments sent there were sent again"
            found.append(Finding(side.name, share, words))
    advice = "Packets are lost on the way: look for drops at queues and policers before you compare throughputs"
    yield from doubt_of("retransmits", found, _RETRANSMITTED, advice)
