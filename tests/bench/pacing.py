"""P7: gaps between datagrams, and the rate, as a capture at the receiver sees them; a bare thread's beside."""

from __future__ import annotations

import json
import statistics
import sys
import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

import netbench as nb
from tests.bench.harness import Line, compared, inside, interleaved
from tests.bench.tcp import serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tests.bench.harness import Options

_PORT, _IPERF_PORT = 5310, 5203
_PAYLOAD = 200
#: Run as a program of its own, in a worker's network namespace.
_CAPTURE = Path(__file__).with_name("capture.py")


async def run(options: Options) -> list[Line]:
    """Send at 1, 10 and 50 thousand datagrams each second."""
    lines: list[Line] = []
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        iperf3 = options.program("iperf3")
        async with serving(inside(fleet.workers[1], iperf3, "-s", "-p", str(_IPERF_PORT))):
            for rate in (1_000, 10_000, 50_000):
                found = await interleaved(
                    {
                        "netbench": partial(_netbench, fleet, rate, options),
                        "iperf3": partial(_iperf3, fleet, iperf3, rate, options),
                        "bare thread": partial(_bare, rate, options),
                    },
                    options,
                )
                even = 98.0 if rate == 10_000 else None
                lines.append(compared(f"P7 {rate:,}/s, gaps within 25 %, %", found, "gaps %", least=even))
                lines.append(compared("   iperf3's", found, "gaps %", ours="iperf3"))
                lines.append(compared("   a bare thread's, which only spins", found, "gaps %", ours="bare thread"))
                lines.append(compared(f"P7 {rate:,}/s, rate error %", found, "error %", most=0.01))
                lines.append(compared("   iperf3's", found, "error %", ours="iperf3"))
    return lines


async def _netbench(fleet: nb.WorkerFleet, rate: int, options: Options) -> dict[str, float]:
    traffic = nb.Udp(rate_pps=rate, payload_bytes=_PAYLOAD)
    strategy = nb.ExplicitPairs([("worker-0", "worker-1")])

    async def send() -> None:
        result = await nb.Measurement(traffic, duration_s=options.duration_s, port=_PORT).run(fleet, strategy)
        result.raise_if_incomplete()

    return _figures(await _captured(fleet, _PORT, send), rate)


async def _iperf3(fleet: nb.WorkerFleet, program: str, rate: int, options: Options) -> dict[str, float]:
    client, server = fleet.workers
    words = ["-c", server.address, "-p", str(_IPERF_PORT), "-u", "-l", str(_PAYLOAD), "-b", str(rate * _PAYLOAD * 8)]

    async def send() -> None:
        await anyio.run_process(inside(client, program, *words, "-t", f"{options.duration_s:g}"))

    return _figures(await _captured(fleet, _IPERF_PORT, send), rate)


async def _bare(rate: int, options: Options) -> dict[str, float]:
    """Meet as many instants with nothing but spinning: what the machine allows."""
    return _figures(await anyio.to_thread.run_sync(_spun, rate, options.duration_s), rate)


def _spun(rate: int, duration_s: float) -> list[int]:
    now, stamps = time.perf_counter_ns, []
    start, gap_ns = now(), 1e9 / rate
    for number in range(round(rate * duration_s)):
        due = start + round(number * gap_ns)
        while now() < due:
            pass
        stamps.append(now())
    return stamps


async def _captured(fleet: nb.WorkerFleet, port: int, send: Callable[[], Awaitable[None]]) -> list[int]:
    command = inside(fleet.workers[1], sys.executable, str(_CAPTURE), str(port), str(_PAYLOAD))
    process = await anyio.open_process(command, stderr=None)
    assert process.stdin is not None
    assert process.stdout is not None
    assert (await process.stdout.receive()).startswith(b"ready")
    await send()
    await process.stdin.aclose()
    chunks = [chunk async for chunk in process.stdout]
    assert await process.wait() == 0
    stamps: list[int] = json.loads(b"".join(chunks))
    return stamps


def _figures(stamps: Sequence[int], rate: int) -> dict[str, float]:
    gaps = [later - earlier for earlier, later in pairwise(stamps)]
    nominal = 1e9 / rate
    even = sum(1 for gap in gaps if abs(gap - nominal) <= 0.25 * nominal)
    mean = statistics.fmean(gaps)
    return {"gaps %": 100 * even / len(gaps), "error %": abs(mean - nominal) / nominal * 100}
