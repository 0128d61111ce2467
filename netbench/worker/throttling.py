"""How long a CPU limit held this worker: its cgroup's ``cpu.stat``."""

from __future__ import annotations

import attrs

from netbench.worker.procfs import read_file

__all__ = ("CpuStat", "read_cpu_stat")

_CGROUPS = "/sys/fs/cgroup"
_SELF = "/proc/self/cgroup"


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


def read_cpu_stat(cgroups: str = _CGROUPS, own: str = _SELF) -> CpuStat | None:
    """Read ``cpu.stat`` of this process' cgroup, version 2 or 1; None where there is none.

    Args:
        cgroups: Where the cgroup file systems are.
        own: The list of this process' cgroups.
    """
    for path in _candidates(cgroups, own):
        try:
            fields = dict(line.split() for line in read_file(path).splitlines())
            held_s = (
                int(fields["throttled_usec"]) / 1e6
                if "throttled_usec" in fields
                else int(fields["throttled_time"]) / 1e9
            )
            return CpuStat(int(fields["nr_periods"]), int(fields["nr_throttled"]), held_s)
        except (OSError, ValueError, KeyError):
            continue
    return None


def _candidates(cgroups: str, own: str) -> list[str]:
    """Give where the file may be. In a container the own cgroup is the root, or its path there is the host's."""
    try:
        lines = read_file(own).splitlines()
    except OSError:
        return []
    found: list[str] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        inside = path.lstrip("/")
        if not controllers:
            roots = [cgroups, f"{cgroups}/unified"]
        elif "cpu" in controllers.split(","):
            roots = [f"{cgroups}/{controllers}", f"{cgroups}/cpu"]
        else:
            continue
        found += [f"{root}/{each}/cpu.stat" for root in roots for each in (inside, ".")]
    return found
