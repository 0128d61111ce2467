"""The verdict of quiet, healthy runs: trusted 20 times of 20."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import netbench as nb
from tests.bench.harness import Line

if TYPE_CHECKING:
    from tests.bench.harness import Options

_RUNS = 20
_HEALTHY: tuple[tuple[str, float | None, nb.Traffic, float], ...] = (
    ("TCP over a link of 100 Mbit/s", 1e8, nb.Tcp(), 0.0),
    ("TCP over a link of 1 Gbit/s", 1e9, nb.Tcp(), 0.5),
    ("TCP at 500 Mbit/s", None, nb.Tcp(rate_bps=5e8), 0.0),
    ("UDP at 1,000/s", None, nb.Udp(), 0.0),
    ("HTTP at 500/s", None, nb.Http(rate_rps=500), 0.0),
)


async def run(options: Options) -> list[Line]:
    """Measure what this machine can carry with ease."""
    lines: list[Line] = []
    for name, link_rate_bps, traffic, warmup_s in _HEALTHY:
        trusted = 0
        async with (
            nb.Cluster.local(nodes=2, isolation="netns", link_rate_bps=link_rate_bps) as cluster,
            nb.WorkerFleet(cluster, workers=2) as fleet,
        ):
            measurement = nb.Measurement(traffic, duration_s=options.duration_s, warmup_s=warmup_s)
            for _ in range(_RUNS):
                verdict = (await measurement.run(fleet, nb.CrossNode())).verdict
                trusted += verdict.trusted
                for doubt in verdict.doubts:
                    print(f"   {name}: {doubt}", file=sys.stderr, flush=True)
        figure = f"verdict: {name}, trusted of {_RUNS}"
        lines.append(Line(figure=figure, ours=trusted, target=f"{_RUNS}", reached=trusted == _RUNS))
    return lines
