"""Processor time of a worker while a pair's traffic flowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from netbench.metrics import Usage

__all__ = ("CpuUse",)


@attrs.frozen
class CpuUse:
    """Processor time of one worker while a pair's traffic flowed.

    Pairs that share a worker share its time too, so do not add these up over pairs.

    Attributes:
        seconds: In user space and in the kernel together.
        cores: The same as a share of one processor, 1.0 for one that never rested; None where no time passed.
        throttled_s: Seconds for which a CPU limit held the worker; None where there is no limit.
        throttled_share: Share of the scheduler's periods in which that happened; None likewise.
    """

    seconds: float
    cores: float | None
    throttled_s: float | None = None
    throttled_share: float | None = None

    @classmethod
    def of(cls, usage: Usage) -> CpuUse:
        """Sum up what a worker reported."""
        seconds = usage.cpu_user_s + usage.cpu_system_s
        return cls(
            seconds=seconds,
            cores=seconds / usage.wall_s if usage.wall_s > 0 else None,
            throttled_s=usage.throttled_s,
            throttled_share=usage.throttled_share,
        )
