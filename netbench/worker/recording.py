"""Throughput per interval: a byte counter is read at each interval's end, and kept with when that really was."""

from __future__ import annotations

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

__all__ = ("IntervalNotes", "Schedule", "throughput_of", "watch_intervals")

#: Between the readings of the clock and of the counter about so much passes: what is finer tells nothing.
_RESOLUTION_NS = 1_000
#: No instant comes after it.
_NEVER = 2**63 - 1


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


class IntervalNotes:
    """The bytes of each interval, for a thread that looks at the clock anyway. An interval noted late is longer.

    Args:
        schedule: The window.
        read_bytes: Reads a counter that only grows; what it says now belongs to no interval.

    Attributes:
        due: When the interval under way ends, by ``time.perf_counter_ns``; after the window never.
    """

    def __init__(self, schedule: Schedule, read_bytes: Callable[[], int]) -> None:
        self._schedule = schedule
        self._read_bytes = read_bytes
        self._before = read_bytes()
        self._ends: list[int] = []
        self._amounts: list[int] = []
        self.due = min(schedule.counted_from + schedule.interval, schedule.end)

    @property
    def is_open(self) -> bool:
        """Whether an interval is under way."""
        return self.due != _NEVER

    def note(self, now_ns: int) -> bool:
        """End the interval under way.

        Args:
            now_ns: The clock's reading right before this call. Where it is past further ends, those are passed over.

        Returns:
            Whether there was one: nothing is noted before the window's counted part.
        """
        total = self._read_bytes()
        passed = now_ns - self._schedule.counted_from
        if passed <= 0:
            return False
        self._ends.append(-(-passed // _RESOLUTION_NS) * _RESOLUTION_NS)
        self._amounts.append(total - self._before)
        self._before = total
        interval, end = self._schedule.interval, self._schedule.end
        if max(now_ns, self.due) >= end:
            self.due = _NEVER
        else:
            self.due = min(self.due + max(1, (now_ns - self.due) // interval + 1) * interval, end)
        return True

    def series(self) -> IntervalSeries:
        """Give what was noted."""
        return IntervalSeries(ends_ns=tuple(self._ends), amounts=tuple(self._amounts))


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
    notes = IntervalNotes(schedule, read_bytes)
    while notes.is_open and not stop.is_set():
        if not notes.note(wait_until(notes.due, stop, spin_ns=0)):
            break
        if on_tick is not None:
            on_tick()
    return notes.series()
