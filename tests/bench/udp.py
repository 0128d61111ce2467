"""P3, P8: UDP packets received each second and processor time per million of them, beside iperf3."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import netbench as nb
from tests.bench.harness import compared, inside, interleaved, output_of
from tests.bench.tcp import serving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.harness import Line, Options

_PORT = 5202


async def run(options: Options) -> list[Line]:
    """Compare datagrams of 64 and of 1400 bytes, as fast as each sender can."""
    lines: list[Line] = []
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        client, server = fleet.workers
        iperf3 = options.program("iperf3")
        async with serving(inside(server, iperf3, "-s", "-p", str(_PORT))):
            for size in (64, 1400):
                command = inside(
                    client, iperf3, "-c", server.address, "-p", str(_PORT), "-u", "-b", "0", "-l", str(size)
                )
                found = await interleaved(
                    {
                        "netbench": partial(_netbench, fleet, size, options),
                        "iperf3": partial(_iperf3, command, options),
                    },
                    options,
                )
                lines.append(
                    compared(f"P3 UDP, {size} B, received k/s", found, "received k/s", peer="iperf3", least=1.1)
                )
                lines.append(compared(f"P3 UDP, {size} B, lost %", found, "lost %", peer="iperf3"))
                lines.append(compared(f"P8 UDP, {size} B, CPU s/M received", found, "CPU s/M", peer="iperf3"))
    return lines


async def _netbench(fleet: nb.WorkerFleet, size: int, options: Options) -> dict[str, float]:
    traffic = nb.Udp(unlimited=True, payload_bytes=size)
    result = await nb.Measurement(traffic, duration_s=options.duration_s).run(fleet, nb.CrossNode())
    result.raise_if_incomplete()
    (pair,) = result.pairs
    assert pair.received
    assert pair.received_pps
    assert pair.loss_ratio is not None
    cpu_s = pair.client_cpu.seconds + pair.server_cpu.seconds
    return {
        "received k/s": pair.received_pps / 1e3,
        "lost %": pair.loss_ratio * 100,
        "CPU s/M": cpu_s / pair.received * 1e6,
    }


async def _iperf3(command: Sequence[str], options: Options) -> dict[str, float]:
    end = json.loads(await output_of([*command, "-t", f"{options.duration_s:g}", "-J"]))["end"]
    total = end["sum"]
    received = total["packets"] - total["lost_packets"]
    cpu = end["cpu_utilization_percent"]
    cpu_s = (cpu["host_total"] + cpu["remote_total"]) / 100 * options.duration_s
    return {
        "received k/s": received / total["seconds"] / 1e3,
        "lost %": total["lost_percent"],
        "CPU s/M": cpu_s / received * 1e6,
    }
