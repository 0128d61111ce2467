"""A worker's clock, and how a thread meets an instant on it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import threading

__all__ = ("SPIN_NS", "WorkerClock", "wait_until")

#: A sleeping thread is woken up to 2 ms late; the last stretch before an instant is spent spinning.
SPIN_NS = 2_000_000
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@attrs.frozen
class WorkerClock:
    """Unix time as this worker sees it.

    Attributes:
        shift_ns: Added to the system's clock; tests set it to show that a wrong clock is found out.
    """

    shift_ns: int = 0

    @property
    def identity(self) -> str:
        """A name that two workers share where they read the same clock, that of one kernel; empty where unknown."""
        try:
            boot_id = _BOOT_ID.read_text().strip()
        except OSError:
            return ""
        return f"{boot_id}{self.shift_ns:+}"

    def now_ns(self) -> int:
        """Unix time in nanoseconds."""
        return time.time_ns() + self.shift_ns

    def monotonic_at_ns(self, instant_ns: int) -> int:
        """Turn an instant on this clock into one of ``time.perf_counter_ns``, which no clock daemon steps."""
        return time.perf_counter_ns() + (instant_ns - self.now_ns())

    def at_monotonic_ns(self, monotonic_ns: int) -> int:
        """Turn a reading of ``time.perf_counter_ns`` into an instant on this clock."""
        return self.now_ns() + (monotonic_ns - time.perf_counter_ns())


def wait_until(monotonic_ns: int, stop: threading.Event, *, spin_ns: int = SPIN_NS) -> int:
    """Block this thread until ``time.perf_counter_ns`` reaches the instant: sleep to shortly before, then spin.

    Returns:
        The reading at which it returned, earlier than asked only where ``stop`` was set.
    """
    while True:
        now = time.perf_counter_ns()
        left = monotonic_ns - now
        if left <= 0 or stop.is_set():
            return now
        if left > spin_ns:
            stop.wait((left - spin_ns) / 1e9)
