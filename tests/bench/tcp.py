"""P1, P2, P8: TCP throughput and its processor time, beside iperf3 and iperf2."""

from __future__ import annotations

import json
import os
import resource
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

import netbench as nb
from tests.bench.harness import compared, inside, interleaved, output_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from anyio.abc import Process

    from tests.bench.harness import Line, Options

_PORT3, _PORT2 = 5201, 5001
_GB = 1e9


async def run(options: Options) -> list[Line]:
    """Compare one stream and four, receive by copy and by discarding."""
    lines: list[Line] = []
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        server = fleet.workers[1]
        async with (
            serving(inside(server, options.program("iperf3"), "-s", "-p", str(_PORT3))),
            serving(inside(server, options.program("iperf"), "-s", "-p", str(_PORT2))) as iperf2_server,
        ):
            for streams in (1, 4):
                contestants: dict[str, Callable[[], Awaitable[Mapping[str, float]]]] = {
                    "netbench": partial(_netbench, fleet, nb.Tcp(streams=streams), options),
                    "iperf3": partial(_iperf3, fleet, streams, options),
                    "iperf2": partial(_iperf2, fleet, iperf2_server.pid, streams, options),
                }
                if streams == 1:
                    contestants["discard"] = partial(_netbench, fleet, nb.Tcp(receive="discard"), options)
                found = await interleaved(contestants, options)
                lines += _lines(streams, found)
    return lines


def _lines(streams: int, found: Mapping[str, Mapping[str, Sequence[float]]]) -> list[Line]:
    name = f"TCP, {streams} stream{'s' if streams > 1 else ''}"
    lines = [
        compared(f"P1 {name}, Gbit/s", found, "Gbit/s", peer="iperf3", least=0.95),
        compared(f"P1 {name}, Gbit/s", found, "Gbit/s", peer="iperf2", least=1.4),
        compared(f"P8 {name}, CPU s/GB", found, "CPU s/GB", peer="iperf3"),
        compared(f"P8 {name}, CPU s/GB", found, "CPU s/GB", peer="iperf2"),
    ]
    if "discard" in found:
        figure = f"P2 {name}, received and discarded, Gbit/s"
        lines.append(compared(figure, found, "Gbit/s", ours="discard", peer="iperf3", least=1.15))
    return lines


async def _netbench(fleet: nb.WorkerFleet, traffic: nb.Tcp, options: Options) -> dict[str, float]:
    result = await nb.Measurement(traffic, duration_s=options.duration_s).run(fleet, nb.CrossNode())
    result.raise_if_incomplete()
    (pair,) = result.pairs
    assert pair.throughput_bps is not None
    cpu_s = pair.client_cpu.seconds + pair.server_cpu.seconds
    return {
        "Gbit/s": pair.throughput_bps / 1e9,
        "CPU s/GB": cpu_s / (pair.throughput_bps * options.duration_s / 8 / _GB),
    }


async def _iperf3(fleet: nb.WorkerFleet, streams: int, options: Options) -> dict[str, float]:
    client, server = fleet.workers
    command = inside(client, options.program("iperf3"), "-c", server.address, "-p", str(_PORT3), "-P", str(streams))
    text = await output_of([*command, "-t", f"{options.duration_s:g}", "-J"])
    end = json.loads(text)["end"]
    assert end["sum_received"]["seconds"] > 0.9 * options.duration_s
    rate = end["sum_received"]["bits_per_second"]
    cpu = end["cpu_utilization_percent"]
    cpu_s = (cpu["host_total"] + cpu["remote_total"]) / 100 * options.duration_s
    return {"Gbit/s": rate / 1e9, "CPU s/GB": cpu_s / (rate * options.duration_s / 8 / _GB)}


async def _iperf2(fleet: nb.WorkerFleet, server_pid: int, streams: int, options: Options) -> dict[str, float]:
    client, server = fleet.workers
    program = options.program("iperf")
    command = inside(client, program, "-c", server.address, "-p", str(_PORT2), "-P", str(streams), "-y", "C")
    before_s = _cpu_s_of(server_pid) + _cpu_s_of_ended()
    rows = [line.split(",") for line in (await output_of([*command, "-t", f"{options.duration_s:g}"])).splitlines()]
    cpu_s = _cpu_s_of(server_pid) + _cpu_s_of_ended() - before_s
    # A row for each stream; where there are several, one more for all.
    each = [row for row in rows if len(row) > 8 and row[5] != "-1"]
    assert len(each) == streams
    amount = sum(int(row[7]) for row in each)
    return {"Gbit/s": sum(float(row[8]) for row in each) / 1e9, "CPU s/GB": cpu_s / (amount / _GB)}


def _cpu_s_of(pid: int) -> float:
    """Give the processor time of a program that runs."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _cpu_s_of_ended() -> float:
    """Give the processor time of the programs that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@asynccontextmanager
async def serving(command: Sequence[str], ready_s: float = 0.5) -> AsyncIterator[Process]:
    """Have a peer's server run while the context lasts."""
    process = await anyio.open_process(command, stdin=None, stdout=-3, stderr=-3)
    try:
        await anyio.sleep(ready_s)
        assert process.returncode is None, f"{' '.join(command)} ended with {process.returncode}"
        yield process
    finally:
        process.terminate()
        with anyio.CancelScope(shield=True):
            await process.wait()
