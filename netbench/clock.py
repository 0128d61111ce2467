"""Clocks of two workers, compared; and the window in which a pair sends.

All instants are whole nanoseconds of Unix time on a named clock; durations are seconds in the public API and
nanoseconds here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("ClockComparison", "FourStamps", "Window", "compare")

NS_PER_S = 1_000_000_000


@attrs.frozen
class FourStamps:
    """One ping-pong of two clocks, as in NTP (RFC 5905, section 8).

    Attributes:
        sent_ns: Own clock when the ping left.
        remote_received_ns: The other clock when it arrived there.
        remote_sent_ns: The other clock when the pong left.
        received_ns: Own clock when it arrived here.
    """

    sent_ns: int
    remote_received_ns: int
    remote_sent_ns: int
    received_ns: int

    @property
    def delay_ns(self) -> int:
        """Time on the wire both ways: the round trip less the time that the other side held it."""
        return (self.received_ns - self.sent_ns) - (self.remote_sent_ns - self.remote_received_ns)

    @property
    def offset_ns(self) -> int:
        """What to add to the own clock to get the other one, if both ways take the same time."""
        return ((self.remote_received_ns - self.sent_ns) + (self.remote_sent_ns - self.received_ns)) // 2


@attrs.frozen(kw_only=True)
class ClockComparison:
    """The offset of another clock from the own one.

    Attributes:
        offset_ns: Other clock minus own clock.
        bound_ns: The true offset is within this of ``offset_ns``: half the delay of the best ping-pong, because the
            ways there and back cannot be told apart (RFC 5905).
        samples: Ping-pongs that were tried.
    """

    offset_ns: int
    bound_ns: int
    samples: int


def compare(stamps: Iterable[FourStamps]) -> ClockComparison:
    """Keep the ping-pong with the least delay (RFC 5905's clock filter) and give its offset and bound.

    Raises:
        ValueError: There is no ping-pong.
    """
    kept = list(stamps)
    best = min(kept, key=lambda four: four.delay_ns)
    # One nanosecond more: the halving rounds down.
    return ClockComparison(offset_ns=best.offset_ns, bound_ns=max(best.delay_ns, 0) // 2 + 1, samples=len(kept))


@attrs.frozen(kw_only=True)
class Window:
    """When a pair sends, on one clock.

    Attributes:
        start_ns: The instant of the first send.
        warmup_ns: How long traffic flows before anything counts.
        duration_ns: How long it counts.
        interval_ns: Length of one interval of the throughput series.
    """

    start_ns: int
    warmup_ns: int
    duration_ns: int
    interval_ns: int

    @property
    def counted_from_ns(self) -> int:
        """The instant from which traffic counts."""
        return self.start_ns + self.warmup_ns

    @property
    def end_ns(self) -> int:
        """The instant at which sending ends."""
        return self.counted_from_ns + self.duration_ns

    def shifted(self, offset_ns: int) -> Window:
        """Give the same window on a clock that is ahead by ``offset_ns``."""
        return attrs.evolve(self, start_ns=self.start_ns + offset_ns)
