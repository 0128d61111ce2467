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

    share: float = attrs.field(default=0.0, validator=v.number(at_least=0))

    def broken(self, result: Result) -> str | None:
        """Say which share was lost."""
        share = result.loss_ratio
        if share is None and result.requests:
            share = (result.requests - (result.responses or 0)) / result.requests
        if share is None:
            return "the loss is not known"
        return f"{share:.4%} lost, where {self.share:.4%} may be" if share > self.share else None


@attrs.frozen
class MaxLatency:
    """A percentile of the traffic's own latency is at most this.

    Attributes:
        latency_s: The most that it may be: UDP's one-way delay, HTTP's response time from the intended start.
        percentile: Which percentile.
    """

    latency_s: float = attrs.field(validator=v.number(above=0))
    percentile: float = attrs.field(default=99.0, validator=v.number(above=0))

    def broken(self, result: Result) -> str | None:
        """Say what the percentile is."""
        measured = result.one_way_delay or result.response_time
        if measured is None:
            return "the latency is not known"
        found_s = measured.percentile(self.percentile)
        if found_s <= self.latency_s:
            return None
        return f"p{self.percentile:g} is {found_s * 1e3:.4g} ms, where {self.latency_s * 1e3:.4g} ms may be"
