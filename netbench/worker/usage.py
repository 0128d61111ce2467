"""Processor time that this worker uses while traffic flows."""

from __future__ import annotations

import resource
import time

from netbench.metrics import Usage

__all__ = ("UsageMeter",)


class UsageMeter:
    """Reads the processor time of this process, and of programs it has started and waited for, between two calls."""

    def __init__(self) -> None:
        self._at_start = _read()

    def start(self) -> None:
        """Begin to count."""
        self._at_start = _read()

    def stop(self) -> Usage:
        """Give what was used since the start."""
        user, system, wall = (now - then for now, then in zip(_read(), self._at_start, strict=True))
        return Usage(cpu_user_s=user, cpu_system_s=system, wall_s=wall)


def _read() -> tuple[float, float, float]:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + children.ru_utime, own.ru_stime + children.ru_stime, time.perf_counter()
