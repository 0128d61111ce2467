"""P6: how late the first send is, and whether the clock offset is inside of its bound, every time."""

from __future__ import annotations

import json
import os
import statistics
from typing import TYPE_CHECKING

import netbench as nb
from tests.bench.harness import Line

if TYPE_CHECKING:
    from tests.bench.harness import Options

_SHIFT_NS = 5_000_000
_TRIALS = 200


async def run(options: Options) -> list[Line]:  # noqa: ARG001 - trials are many and short
    """Start two hundred times."""
    os.environ["NETBENCH_TEST_CLOCK_SHIFTS_NS"] = json.dumps({"worker-1": _SHIFT_NS})
    try:
        async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
            measurement = nb.Measurement(nb.Udp(rate_pps=100), duration_s=0.05, repeats=_TRIALS)
            result = await measurement.run(fleet, nb.ExplicitPairs([("worker-0", "worker-1")]))
    finally:
        del os.environ["NETBENCH_TEST_CLOCK_SHIFTS_NS"]
    late = nb.Histogram.of([pair.outcome.timing.start_lateness_ns for pair in result.pairs], "ns")
    median, p99 = (late.percentile(percent) * 1e6 for percent in (50, 99))
    inside = [abs(pair.clock_offset_s - _SHIFT_NS / 1e9) <= pair.clock_bound_s for pair in result.pairs]
    off_us = statistics.median(abs(pair.clock_offset_s - _SHIFT_NS / 1e9) * 1e6 for pair in result.pairs)
    bound_us = statistics.median(pair.clock_bound_s * 1e6 for pair in result.pairs)
    return [
        Line(figure="P6 start error, median us", ours=median, target="<= 1", reached=median <= 1),
        Line(figure="P6 start error, p99 us", ours=p99, target="<= 100", reached=p99 <= 100),
        Line(
            figure=f"P6 clock offset within its bound, of {len(inside)}",
            ours=sum(inside),
            target=f"{len(inside)}",
            reached=all(inside),
        ),
        Line(figure="P6 error of the clock offset, median us", ours=off_us, peer=f"bound {bound_us:.3g}"),
    ]
