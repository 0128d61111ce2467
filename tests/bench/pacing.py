"""P7: gaps between datagrams, and the rate, as a capture on the receiver's interface sees them."""

from __future__ import annotations

import json
import statistics
import sys
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import anyio

import netbench as nb
from tests.bench.harness import Line, compared, inside, interleaved
from tests.bench.tcp import serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tests.bench.harness import Options

_PORT, _IPERF_PORT = 5310, 5203
_PAYLOAD = 200
#: Counts the gaps between datagrams to a port by the kernel's stamps; prints them when its standard input closes.
_CAPTURE = """
import json, socket, struct, sys, threading
port = int(sys.argv[1])
capture = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
capture.setsockopt(socket.SOL_SOCKET, 33, 256 * 2**20)  # SO_RCVBUFFORCE
capture.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS
capture.settimeout(0.2)
stamps, done = [], threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
print("ready", flush=True)
while not done.is_set():
    try:
        data, control, _, address = capture.recvmsg(64, 64)
    except TimeoutError:
        continue
    if data[9] == 17 and struct.unpack("!H", data[22:24])[0] == port and len(data) >= 28 and address[2] != 4:
        if struct.unpack("!H", data[24:26])[0] == int(sys.argv[2]) + 8:
            seconds, nanoseconds = struct.unpack("qq", control[0][2])
            stamps.append(seconds * 10**9 + nanoseconds)
print(json.dumps(stamps))
"""


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
                    },
                    options,
                )
                even = 98.0 if rate == 10_000 else None
                lines.append(compared(f"P7 {rate:,}/s, gaps within 25 %, %", found, "gaps %", least=even))
                lines.append(compared("   iperf3's", found, "gaps %", ours="iperf3"))
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


async def _captured(fleet: nb.WorkerFleet, port: int, send: Callable[[], Awaitable[None]]) -> list[int]:
    command = inside(fleet.workers[1], sys.executable, "-c", _CAPTURE, str(port), str(_PAYLOAD))
    process = await anyio.open_process(command, stderr=None)
    assert process.stdin is not None
    assert process.stdout is not None
    text = (await process.stdout.receive()).decode()
    assert text.startswith("ready")
    await send()
    await process.stdin.aclose()
    chunks = [chunk async for chunk in process.stdout]
    await process.wait()
    stamps: list[int] = json.loads(b"".join(chunks))
    return stamps


def _figures(stamps: Sequence[int], rate: int) -> dict[str, float]:
    gaps = [later - earlier for earlier, later in pairwise(stamps)]
    nominal = 1e9 / rate
    even = sum(1 for gap in gaps if abs(gap - nominal) <= 0.25 * nominal)
    mean = statistics.fmean(gaps)
    return {"gaps %": 100 * even / len(gaps), "error %": abs(mean - nominal) / nominal * 100}
