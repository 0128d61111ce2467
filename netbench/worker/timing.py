"""A worker's clock, and how a thread meets an instant on it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

__all__ = ("WorkerClock", "meet_start", "wait_until")

#: A sleeping thread is woken up to 2 ms late; the last stretch before an instant is spent spinning.
_SPIN_NS = 2_000_000
#: In the very last stretch nothing but the clock is looked at: each look at anything else makes the wait longer.
_BLIND_NS = 50_000
#: From the one until the other before a start the way to the first send is gone some hundred times, each time after a
#: wait that ends like the real one. The first time takes 100 us, and up to 1,900: pages of its stack and of the
#: kernel's. Each is a system call, and in a virtual machine one in some hundred takes 100 to 300 us: one that was still
#: under way at the instant was the reason of nearly every late start.
_REHEARSE_NS, _REHEARSED_NS = 5_000_000, 350_000
_REHEARSED_WAIT_NS = 10_000
#: Pairs of readings of two clocks; the one that took the least time is kept.
_READINGS = 5
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
        return instant_ns - self._ahead_ns()

    def at_monotonic_ns(self, monotonic_ns: int) -> int:
        """Turn a reading of ``time.perf_counter_ns`` into an instant on this clock."""
        return monotonic_ns + self._ahead_ns()

    def _ahead_ns(self) -> int:
        """Read by how much this clock is ahead of ``time.perf_counter_ns``.

        One of the two is read first, and a thread may lose its processor before it reads the other: so the one is read
        on either side of the other, and of a few tries the one that took the least time is believed.
        """
        readings = [(time.perf_counter_ns(), self.now_ns(), time.perf_counter_ns()) for _ in range(_READINGS)]
        before, instant, after = min(readings, key=lambda reading: reading[2] - reading[0])
        return instant - (before + after) // 2


def wait_until(monotonic_ns: int, stop: threading.Event, *, spin_ns: int = _SPIN_NS) -> int:
    """Block this thread until ``time.perf_counter_ns`` reaches the instant: sleep to shortly before, then spin.

    Returns:
        The reading at which it returned, earlier than asked only where ``stop`` was set.
    """
    now_ns = time.perf_counter_ns
    while True:
        left = monotonic_ns - now_ns()
        if left <= 0 or stop.is_set():
            return now_ns()
        if left > spin_ns:
            stop.wait((left - spin_ns) / 1e9)
        elif left <= _BLIND_NS:
            while now_ns() < monotonic_ns:
                pass
            return now_ns()


def meet_start(monotonic_ns: int, stop: threading.Event, send: Callable[[bool], object]) -> None:
    """Block this thread until the first send is due, and have it done at that instant.

    While a thread sleeps or spins, what it is to do next leaves the processor's caches. To do it for the first time
    then takes a few microseconds here and some tens in the kernel, and so late the first send would be. It is therefore
    rehearsed up to shortly before, by the same lines that then do it.

    Args:
        monotonic_ns: When it is due, by ``time.perf_counter_ns``.
        stop: Ends the wait early; nothing is sent then.
        send: Sends for the first time where its argument is true, or else goes the same way without an effect.
    """
    now = time.perf_counter_ns
    wait_until(monotonic_ns - _REHEARSE_NS, stop)
    due = False
    while not due and not stop.is_set():
        due = now() > monotonic_ns - _REHEARSED_NS
        instant = monotonic_ns if due else now() + _REHEARSED_WAIT_NS
        while now() < instant:
            pass
        send(due)
