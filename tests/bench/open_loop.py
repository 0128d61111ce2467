"""P5: the open loop's percentiles with a server that freezes for 100 ms each second, whose truth is known."""

from __future__ import annotations

from bisect import bisect_left
from functools import partial
from typing import TYPE_CHECKING

import anyio

import netbench as nb
from tests.bench.harness import Line, compared, interleaved
from tests.support.lab import frozen_each_second

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netbench.messages import Timing
    from tests.bench.harness import Options

_RATE, _FROZEN_S = 2000.0, 0.1


async def run(options: Options) -> list[Line]:
    """Compare p99 with what the freezing makes it, some 90 ms."""
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        found = await interleaved(
            {
                "netbench": partial(_open, fleet, options),
                "closed loop": partial(_closed, fleet, options),
                "calm": partial(_calm, fleet, options),
            },
            options,
        )
    found["truth"] = {"p99 ms": found["netbench"]["truth ms"]}
    frozen = "P5 server frozen 100 ms each second"
    return [
        compared(f"{frozen}, open loop, p99 ms", found, "p99 ms", peer="truth", least=0.97, most=1.03),
        compared(f"{frozen}, closed loop, p99 ms", found, "p99 ms", ours="closed loop", peer="truth"),
        compared("P5 without freezing, p50 / median service time", found, "p50 / service", ours="calm", most=1.1),
    ]


async def _frozen(
    fleet: nb.WorkerFleet, traffic: nb.Http, options: Options
) -> tuple[nb.PairResult, list[tuple[int, int]]]:
    measurement = nb.Measurement(traffic, duration_s=max(2, round(options.duration_s)))
    freezes: list[tuple[int, int]] = []
    run = await measurement.start(fleet, nb.ExplicitPairs([("worker-0", "worker-1")]))
    async with anyio.create_task_group() as group:
        async for event in run.events():
            if isinstance(event, nb.PairProgressed) and event.phase is nb.Phase.RUNNING:
                group.start_soon(frozen_each_second, fleet.workers[1], _FROZEN_S, freezes)
        group.cancel_scope.cancel()
    result = await run.gather()
    result.raise_if_incomplete()
    return result.pairs[0], freezes


async def _open(fleet: nb.WorkerFleet, options: Options) -> dict[str, float]:
    pair, freezes = await _frozen(fleet, nb.Http(rate_rps=_RATE, connections=300), options)
    return {"p99 ms": pair.latency.percentile(99) * 1e3, "truth ms": _waited_ns(pair.outcome.timing, freezes) / 1e6}


async def _closed(fleet: nb.WorkerFleet, options: Options) -> dict[str, float]:
    pair, _ = await _frozen(fleet, nb.Http(connections=4), options)
    return {"p99 ms": pair.latency.percentile(99) * 1e3}


def _waited_ns(timing: Timing, freezes: Sequence[tuple[int, int]]) -> int:
    """Give how long at least a hundredth of what is due in the window waits for a server that is prompt otherwise."""
    begin_ns, end_ns = timing.counted_from_ns, timing.counted_until_ns

    def due_ns(waits_ns: int) -> int:
        """Give in how much of the window that is due which waits longer than this."""
        return sum(max(0, min(end - waits_ns, end_ns) - max(begin, begin_ns)) for begin, end in freezes)

    return bisect_left(range(10**9), -(end_ns - begin_ns) // 100, key=lambda waits_ns: -due_ns(waits_ns))


async def _calm(fleet: nb.WorkerFleet, options: Options) -> dict[str, float]:
    traffic = nb.Http(rate_rps=_RATE, connections=16)
    result = await nb.Measurement(traffic, duration_s=options.duration_s).run(fleet, nb.CrossNode())
    assert result.service_time is not None
    return {"p50 / service": result.latency.percentile(50) / result.service_time.percentile(50)}
