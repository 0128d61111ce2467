"""Throughput per interval: a thread reads a byte counter at each interval's end and keeps when it really did so."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import attrs

from netbench.hdr import throughput_of
from netbench.metrics import IntervalSeries
from netbench.worker.timing import wait_until

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from netbench.clock import Window
    from netbench.worker.timing import WorkerClock

__all__ = ("Schedule", "throughput_of", "watch_intervals")

#: Between the readings of the clock and of the counter about so much passes: what is finer tells nothing.
_RESOLUTION_NS = 1_000


@attrs.frozen(kw_only=True)
class Schedule:
    """A window in readings of ``time.perf_counter_ns``.

    Attributes:
        start: The first send.
        counted_from: From here traffic counts.
        end: Here sending ends.
        interval: Length of one interval in nanoseconds.
    """

    start: int
    counted_from: int
    end: int
    interval: int

    @classmethod
    def of(cls, window: Window, clock: WorkerClock) -> Schedule:
        """Translate a window on the worker's clock."""
        start = clock.monotonic_at_ns(window.start_ns)
        counted_from = start + window.warmup_ns
        return cls(
            start=start,
            counted_from=counted_from,
            end=counted_from + window.duration_ns,
            interval=window.interval_ns,
        )


def watch_intervals(
    schedule: Schedule,
    stop: threading.Event,
    read_bytes: Callable[[], int],
    on_tick: Callable[[], None] | None = None,
) -> IntervalSeries:
    """Block this thread over the counted window and note the bytes of each interval.

    The thread only sleeps and never spins, so it takes nothing from the senders; an interval that was read late is
    longer and says so.

    Args:
        schedule: The window.
        stop: Ends the watch early; the interval under way is kept.
        read_bytes: Reads a counter that only grows.
        on_tick: Called at each interval's end, after the counter was read.

    Returns:
        The series; it is empty where ``stop`` was set before anything counted.
    """
    if schedule.counted_from > schedule.start:
        wait_until(schedule.counted_from, stop, spin_ns=0)
    # Without a warm-up nothing has moved yet, and a thread that woke at the start would take its sender's processor.
    ends: list[int] = []
    amounts: list[int] = []
    before = read_bytes()
    due = schedule.counted_from
    while due < schedule.end and not stop.is_set():
        due = min(due + schedule.interval, schedule.end)
        wait_until(due, stop, spin_ns=0)
        now = time.perf_counter_ns()
        total = read_bytes()
        if now <= schedule.counted_from:
            break
        ends.append(-(-(now - schedule.counted_from) // _RESOLUTION_NS) * _RESOLUTION_NS)
        amounts.append(total - before)
        before = total
        if on_tick is not None:
            on_tick()
    return IntervalSeries(ends_ns=tuple(ends), amounts=tuple(amounts))
