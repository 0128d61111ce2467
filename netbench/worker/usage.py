"""Processor time that this worker uses while traffic flows, and who took it from it."""

from __future__ import annotations

import resource
import time

import attrs

from netbench.metrics import Usage
from netbench.worker.host_counters import HostSnapshot
from netbench.worker.procfs import names_in, read_file
from netbench.worker.throttling import CpuStat, read_cpu_stat

__all__ = ("UsageMeter", "read_threads")

_TASKS = "/proc/self/task"
_NS_PER_S = 1e9


@attrs.frozen
class _Reading:
    user_s: float
    system_s: float
    wall_s: float
    throttling: CpuStat | None
    threads: dict[int, tuple[int, int]]
    host: HostSnapshot

    @classmethod
    def now(cls) -> _Reading:
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        return cls(
            user_s=own.ru_utime + children.ru_utime,
            system_s=own.ru_stime + children.ru_stime,
            wall_s=time.perf_counter(),
            throttling=read_cpu_stat(),
            threads=read_threads(),
            host=HostSnapshot.now(),
        )


class UsageMeter:
    """Reads what this process, and programs it has started and waited for, used between two calls."""

    def __init__(self) -> None:
        self._before = _Reading.now()

    def start(self) -> None:
        """Begin to count."""
        self._before = _Reading.now()

    def stop(self) -> Usage:
        """Give what was used since the start."""
        before, after = self._before, _Reading.now()
        throttled_s, throttled_share = _throttled(before.throttling, after.throttling)
        ran, waited = _threads(before.threads, after.threads)
        return Usage(
            cpu_user_s=after.user_s - before.user_s,
            cpu_system_s=after.system_s - before.system_s,
            wall_s=after.wall_s - before.wall_s,
            throttled_s=throttled_s,
            throttled_share=throttled_share,
            busiest_thread_s=ran,
            run_queue_s=waited,
            host=after.host.since(before.host),
        )


def _throttled(before: CpuStat | None, after: CpuStat | None) -> tuple[float | None, float | None]:
    if before is None or after is None or not after.periods:
        # Without a quota there are no periods.
        return None, None
    periods = after.periods - before.periods
    share = (after.throttled_periods - before.throttled_periods) / periods if periods > 0 else 0.0
    return max(0.0, after.throttled_s - before.throttled_s), min(1.0, max(0.0, share))


def _threads(
    before: dict[int, tuple[int, int]], after: dict[int, tuple[int, int]]
) -> tuple[float | None, float | None]:
    """Give the most that a thread ran, and the most that one waited, in seconds."""
    if not after:
        return None, None
    changes = [
        (ran - before.get(thread, (0, 0))[0], waited - before.get(thread, (0, 0))[1])
        for thread, (ran, waited) in after.items()
    ]
    return max(ran for ran, _ in changes) / _NS_PER_S, max(waited for _, waited in changes) / _NS_PER_S


def read_threads(tasks: str = _TASKS) -> dict[int, tuple[int, int]]:
    """Read for each thread how long it ran and how long it waited for a processor, in nanoseconds.

    Threads that traffic ran in are idle for a while before they end, so they are still there when it is over.

    Args:
        tasks: Where the kernel lists this process' threads; nothing is given where it does not.
    """
    found: dict[int, tuple[int, int]] = {}
    try:
        threads = names_in(tasks)
    except OSError:
        return found
    for thread in threads:
        try:
            ran, waited, _ = read_file(f"{tasks}/{thread}/schedstat").split()
            found[int(thread)] = int(ran), int(waited)
        except (OSError, ValueError):
            continue
    return found
