"""P10: a worker's processor time until it is ready, and its memory, idle, in a run, and after many requests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import netbench as nb
from tests.bench.harness import Line

if TYPE_CHECKING:
    from netbench.topology import Worker
    from tests.bench.harness import Options

_MIB = 2**20
_REQUESTS = 300


async def run(options: Options) -> list[Line]:
    """Look at the client worker's process."""
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        worker = fleet.workers[0]
        ready_s, idle = _cpu_s(worker), _rss(worker)
        await nb.Measurement(nb.Tcp(), duration_s=options.duration_s).run(fleet, nb.CrossNode())
        busy = _peak(worker)
        short = nb.Measurement(nb.Udp(rate_pps=1000), duration_s=0.05)
        await _repeated(short, _REQUESTS // 3, fleet)
        before = _rss(worker)
        await _repeated(short, _REQUESTS, fleet)
        growth = _rss(worker) - before
    return [
        Line(figure="P10 CPU until ready, s", ours=ready_s, target="< 1", reached=ready_s < 1),
        Line(figure="P10 RSS idle, MiB", ours=idle, target="< 45", reached=idle < 45),
        Line(figure="P10 RSS peak in a TCP run, MiB", ours=busy),
        Line(figure=f"P10 growth over {_REQUESTS} requests, MiB", ours=growth, target="< 1", reached=growth < 1),
    ]


async def _repeated(measurement: nb.Measurement, count: int, fleet: nb.WorkerFleet) -> None:
    import attrs  # noqa: PLC0415 - here only

    result = await attrs.evolve(measurement, repeats=count).run(fleet, nb.CrossNode())
    result.raise_if_incomplete()


def _cpu_s(worker: Worker) -> float:
    fields = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss(worker: Worker) -> float:
    return _status(worker, "VmRSS")


def _peak(worker: Worker) -> float:
    return _status(worker, "VmHWM")


def _status(worker: Worker, name: str) -> float:
    text = Path(f"/proc/{worker.pid}/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024 / _MIB
