"""What a rate must keep to be a good one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

from netbench import validation as v

if TYPE_CHECKING:
    from netbench.result import Result

__all__ = ("Bound", "MaxLatency", "MaxLoss")


class Bound(Protocol):
    """What a rate must keep to be good, for users to implement."""

    def broken(self, result: Result) -> str | None:
        """Say what a result breaks, with numbers; None where it keeps the bound."""
        ...


@attrs.frozen
class MaxLoss:
    """Lost datagrams of UDP, or unanswered requests of HTTP, are at most this share of those sent.

    Attributes:
        share: From 0 to 1. RFC 2544 says 0; a host that does other things now and then loses one.
    """

    share: float = attrs.field(default=0.0, validator=v.number(at_least=0, at_most=1))

    def broken(self, result: Result) -> str | None:
        """Say which share was lost."""
        share = lost_share(result)
        if share is None:
            return "the loss is not known"
        return f"{share:.4%} lost, where {self.share:.4%} may be" if share > self.share else None


@attrs.frozen
class MaxLatency:
    """A percentile of the traffic's own latency is at most this; what never arrived took longer.

    Attributes:
        latency_s: The most that it may be: UDP's one-way delay with the clocks' bound added, HTTP's response time from
            the intended start.
        percentile: Which percentile.
    """

    latency_s: float = attrs.field(validator=v.number(above=0))
    percentile: float = attrs.field(default=99.0, validator=v.number(above=0, at_most=100))

    def broken(self, result: Result) -> str | None:
        """Say what the percentile is."""
        measured = result.one_way_delay or result.response_time
        if measured is None:
            return "the latency is not known"
        lost = lost_share(result) or 0.0
        if lost >= 1 or self.percentile > 100 * (1 - lost):
            return f"p{self.percentile:g} is not known, for {lost:.4%} never arrived"
        # Of those that arrived, the rank that the percentile has among all that were sent.
        found_s = measured.percentile(min(100.0, self.percentile / (1 - lost)))
        clocks_s = 0.0 if result.one_way_delay is None else max(pair.clock_bound_s for pair in result.pairs)
        if found_s + clocks_s <= self.latency_s:
            return None
        clocks = f" by clocks known to {clocks_s * 1e3:.2g} ms" if clocks_s else ""
        found = f"p{self.percentile:g} is {found_s * 1e3:.4g} ms{clocks}"
        return f"{found}, where {self.latency_s * 1e3:.4g} ms may be"


def lost_share(result: Result) -> float | None:
    """Give the share of the datagrams or requests sent that never arrived or were not answered; None if not known."""
    if result.loss_ratio is None and result.requests:
        return (result.requests - (result.responses or 0)) / result.requests
    return result.loss_ratio
