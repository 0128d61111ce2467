"""P10: a worker's processor time until it is ready, and its memory, idle, in a run, and after many requests.

From the bundle in a stock image, as a pod of the lab's cluster, whose containers are processes of this machine.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

import netbench as nb
from tests.bench.harness import Line
from tests.bench.lab import open_lab

if TYPE_CHECKING:
    from tests.bench.harness import Options

_MIB = 2**20
_REQUESTS = 1000


async def run(options: Options) -> list[Line]:
    """Look at the client worker's process."""
    async with open_lab() as kubeconfig:
        cluster = nb.Cluster.connect(kubeconfig=kubeconfig, namespace="default")
        async with cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
            return await _measured(fleet, options.duration_s)


async def _measured(fleet: nb.WorkerFleet, duration_s: float) -> list[Line]:
    pid = _process_of(fleet.workers[0].name)
    ready_s, idle = _cpu_s(pid), _memory(pid, "VmRSS")
    await nb.Measurement(nb.Tcp(), duration_s=duration_s).run(fleet, nb.CrossNode())
    busy = _memory(pid, "VmHWM")
    short = nb.Measurement(nb.Udp(rate_pps=1000), duration_s=0.05)
    await _repeated(short, _REQUESTS // 10, fleet)
    before = _memory(pid, "VmRSS")
    await _repeated(short, _REQUESTS, fleet)
    growth = _memory(pid, "VmRSS") - before
    return [
        Line(figure="P10 CPU until ready, s", ours=ready_s, target="< 1", reached=ready_s < 1),
        Line(figure="P10 RSS idle, MiB", ours=idle, target="< 45", reached=idle < 45),
        Line(figure="P10 RSS peak in a TCP run, MiB", ours=busy),
        Line(figure=f"P10 growth over {_REQUESTS} requests, MiB", ours=growth, target="< 1", reached=growth < 1),
    ]


async def _repeated(measurement: nb.Measurement, count: int, fleet: nb.WorkerFleet) -> None:
    result = await attrs.evolve(measurement, repeats=count).run(fleet, nb.CrossNode())
    result.raise_if_incomplete()


def _process_of(pod: str) -> int:
    """Find a pod's worker: a process whose host has the pod's name."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            host = (process / "root/etc/hostname").read_text().strip()
            if host == pod and b"python" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    (pid,) = found
    return pid


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int, name: str) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024 / _MIB
