"""Processor time that this worker uses while traffic flows, and how long its CPU limit held it."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import attrs

from netbench.metrics import Usage

__all__ = ("CpuStat", "UsageMeter", "read_cpu_stat")

_CGROUPS = Path("/sys/fs/cgroup")
_SELF = Path("/proc/self/cgroup")


@attrs.frozen
class CpuStat:
    """A cgroup's ``cpu.stat``, of either version of cgroups, since the cgroup was made.

    Attributes:
        periods: Scheduler periods in which it wanted to run.
        throttled_periods: Those in which its quota ran out.
        throttled_s: How long it was held for that.
    """

    periods: int
    throttled_periods: int
    throttled_s: float


class UsageMeter:
    """Reads the processor time of this process, and of programs it has started and waited for, between two calls."""

    def __init__(self) -> None:
        self._at_start = _read()
        self._stat_at_start = read_cpu_stat()

    def start(self) -> None:
        """Begin to count."""
        self._at_start = _read()
        self._stat_at_start = read_cpu_stat()

    def stop(self) -> Usage:
        """Give what was used since the start."""
        user, system, wall = (now - then for now, then in zip(_read(), self._at_start, strict=True))
        before, after = self._stat_at_start, read_cpu_stat()
        if before is None or after is None or not after.periods:
            # Without a quota there are no periods.
            return Usage(cpu_user_s=user, cpu_system_s=system, wall_s=wall)
        periods = after.periods - before.periods
        throttled = after.throttled_periods - before.throttled_periods
        return Usage(
            cpu_user_s=user,
            cpu_system_s=system,
            wall_s=wall,
            throttled_s=max(0.0, after.throttled_s - before.throttled_s),
            throttled_share=min(1.0, max(0.0, throttled / periods)) if periods > 0 else 0.0,
        )


def read_cpu_stat(cgroups: Path = _CGROUPS, own: Path = _SELF) -> CpuStat | None:
    """Read ``cpu.stat`` of this process' cgroup, version 2 or 1; None where there is none.

    Args:
        cgroups: Where the cgroup file systems are.
        own: The list of this process' cgroups.
    """
    for path in _candidates(cgroups, own):
        try:
            fields = dict(line.split() for line in path.read_text().splitlines())
            held_s = (
                int(fields["throttled_usec"]) / 1e6
                if "throttled_usec" in fields
                else int(fields["throttled_time"]) / 1e9
            )
            return CpuStat(int(fields["nr_periods"]), int(fields["nr_throttled"]), held_s)
        except (OSError, ValueError, KeyError):
            continue
    return None


def _candidates(cgroups: Path, own: Path) -> list[Path]:
    """Give where the file may be. In a container the own cgroup is the root, or its path there is the host's."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return []
    found: list[Path] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        inside = path.lstrip("/")
        if not controllers:
            roots = [cgroups, cgroups / "unified"]
        elif "cpu" in controllers.split(","):
            roots = [cgroups / controllers, cgroups / "cpu"]
        else:
            continue
        found += [root / each / "cpu.stat" for root in roots for each in (inside, "")]
    return found


def _read() -> tuple[float, float, float]:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + children.ru_utime, own.ru_stime + children.ru_stime, time.perf_counter()
