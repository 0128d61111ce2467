"""A result's workers, each with what it saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from netbench.traffic import Http, Tcp, Udp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netbench.metrics import HostCounters, Usage
    from netbench.result.model import Result
    from netbench.result.pair import PairResult
    from netbench.topology import Worker

__all__ = ("Side", "asked_and_got", "is_paced", "sides_of", "traffic_s", "unseen")


@attrs.frozen
class Side:
    """One worker in one pair.

    Attributes:
        worker: The worker.
        pair: The pair.
        usage: What it used and what its host counted.
        sends: Whether it sends what is measured: TCP by direction, UDP and HTTP as the client.
        native: Whether netbench's own driver made the traffic.
    """

    worker: Worker
    pair: PairResult
    usage: Usage
    sends: bool
    native: bool

    @property
    def name(self) -> str:
        """The worker's name and node, for people."""
        return f"{self.worker.name} on {self.worker.node}"

    @property
    def host(self) -> HostCounters | None:
        """What its host counted; None where nothing could be read."""
        return self.usage.host


def sides_of(result: Result) -> Iterator[Side]:
    """Give both workers of every pair."""
    traffic = result.spec.traffic
    directions = traffic.directions if isinstance(traffic, Tcp) else ("forward",)
    for pair in result.pairs:
        client, server = pair.outcome.client, pair.outcome.server
        yield Side(pair.pair.client, pair, client.usage, "forward" in directions, client.tool == "native")
        yield Side(pair.pair.server, pair, server.usage, "reverse" in directions, server.tool == "native")


def traffic_s(result: Result, usage: Usage) -> float:
    """Give for how long traffic flowed while a worker's use was counted."""
    asked_s = result.spec.warmup_s + result.spec.duration_s
    return min(asked_s, usage.wall_s) if usage.wall_s > 0 else asked_s


def is_paced(result: Result) -> bool:
    """Whether the traffic has a rate, so that it does not take all it can get."""
    match result.spec.traffic:
        case Tcp(rate_bps=rate):
            return rate is not None
        case Udp() as udp:
            return udp.asked_pps is not None
        case Http(rate_rps=rate):
            return rate is not None


def asked_and_got(result: Result, pair: PairResult) -> tuple[float, float] | None:
    """Give the rate that was asked of a pair and the one that it offered; None where there is none."""
    match result.spec.traffic:
        case Tcp(rate_bps=float() | int() as rate) as tcp:
            got = pair.throughput_bps
            asked: float | None = rate * len(tcp.directions)
        case Udp():
            asked, got = pair.asked_pps, pair.sent_pps
        case Http():
            asked, got = pair.asked_rps, pair.requests_per_s
        case _:
            return None
    return None if asked is None or got is None else (asked, got)


def unseen(result: Result) -> tuple[str, ...]:
    """Name what no worker of a result could look at."""
    usages = [side.usage for side in sides_of(result)]
    if not usages:
        return ()
    hosts = [usage.host for usage in usages if usage.host is not None]
    looks = {
        "run queues": any(usage.run_queue_s is not None for usage in usages),
        "processors' idle time": any(host.idle_share is not None for host in hosts),
        "the kernel's packet backlog": any(host.softnet_dropped is not None for host in hosts),
    }
    return tuple(name for name, seen in looks.items() if not seen)
