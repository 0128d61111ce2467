"""P1, P2, P8: TCP throughput and its processor time, beside iperf3 and iperf2."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import anyio

import netbench as nb
from tests.bench.harness import compared, inside, interleaved, output_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

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
            serving(inside(server, options.program("iperf"), "-s", "-p", str(_PORT2))),
        ):
            for streams in (1, 4):
                contestants: dict[str, Callable[[], Awaitable[Mapping[str, float]]]] = {
                    "netbench": partial(_netbench, fleet, nb.Tcp(streams=streams), options),
                    "iperf3": partial(_iperf3, fleet, streams, options),
                    "iperf2": partial(_iperf2, fleet, streams, options),
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


async def _iperf2(fleet: nb.WorkerFleet, streams: int, options: Options) -> dict[str, float]:
    client, server = fleet.workers
    program = options.program("iperf")
    command = inside(client, program, "-c", server.address, "-p", str(_PORT2), "-P", str(streams), "-y", "C")
    rows = [line.split(",") for line in (await output_of([*command, "-t", f"{options.duration_s:g}"])).splitlines()]
    # A row for each stream.
    return {"Gbit/s": sum(float(row[8]) for row in rows if len(row) > 8) / 1e9}


@asynccontextmanager
async def serving(command: Sequence[str], ready_s: float = 0.5) -> AsyncIterator[None]:
    """Have a peer's server run while the context lasts."""
    process = await anyio.open_process(command, stdin=None, stdout=-3, stderr=-3)
    try:
        await anyio.sleep(ready_s)
        assert process.returncode is None, f"{' '.join(command)} ended with {process.returncode}"
        yield
    finally:
        process.terminate()
        with anyio.CancelScope(shield=True):
            await process.wait()
