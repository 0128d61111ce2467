"""P6: how late the first send is, beside a bare thread that spins, and whether the clock offset is inside its bound."""

from __future__ import annotations

import json
import os
import statistics
import time
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

import netbench as nb
from tests.bench.harness import Line

if TYPE_CHECKING:
    from tests.bench.harness import Options

_SHIFT_NS = 5_000_000
_TRIALS, _AT_ONCE = 200, 20
#: A bare thread sleeps as long as a trial lasts, about, and spins as long as netbench does.
_SLEEP_S, _SPIN_NS = 0.2, 2_000_000
_NS = 1_000_000_000


async def run(options: Options) -> list[Line]:  # noqa: ARG001 - trials are many and short
    """Start two hundred times, and have a bare thread meet as many instants in turn."""
    os.environ["NETBENCH_TEST_CLOCK_SHIFTS_NS"] = json.dumps({"worker-1": _SHIFT_NS})
    pairs: list[nb.PairResult] = []
    bare: list[int] = []
    try:
        async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
            measurement = nb.Measurement(nb.Udp(rate_pps=100), duration_s=0.05, repeats=_AT_ONCE)
            for _ in range(_TRIALS // _AT_ONCE):
                pairs += (await measurement.run(fleet, nb.ExplicitPairs([("worker-0", "worker-1")]))).pairs
                bare += await anyio.to_thread.run_sync(_bare_lateness_ns)
    finally:
        del os.environ["NETBENCH_TEST_CLOCK_SHIFTS_NS"]
    late = nb.Histogram.of([pair.outcome.timing.start_lateness_ns for pair in pairs], "ns")
    spun = nb.Histogram.of(bare, "ns")
    (median, p99), (bare_median, bare_p99) = (
        [histogram.percentile(percent) * 1e6 for percent in (50, 99)] for histogram in (late, spun)
    )
    inside = [abs(pair.clock_offset_s - _SHIFT_NS / 1e9) <= pair.clock_bound_s for pair in pairs]
    off_us = statistics.median(abs(pair.clock_offset_s - _SHIFT_NS / 1e9) * 1e6 for pair in pairs)
    bound_us = statistics.median(pair.clock_bound_s * 1e6 for pair in pairs)
    return [
        _beside("P6 start error, median us", median, bare_median, most=1),
        _beside("P6 start error, p99 us", p99, bare_p99, most=100),
        Line(
            figure=f"P6 clock offset within its bound, of {len(inside)}",
            ours=sum(inside),
            target=f"{len(inside)}",
            reached=all(inside),
        ),
        Line(figure="P6 error of the clock offset, median us", ours=off_us, peer=f"bound {bound_us:.3g}"),
    ]


def _beside(figure: str, ours: float, bare: float, *, most: float) -> Line:
    return Line(figure=figure, ours=ours, peer=f"bare thread {bare:.3g}", target=f"<= {most:g}", reached=ours <= most)


def _bare_lateness_ns() -> list[int]:
    """Meet some instants with nothing but sleeping and spinning; give how late each time: what the machine allows."""
    late = []
    for _ in range(_AT_ONCE):
        due_ns = time.perf_counter_ns() + round(_SLEEP_S * _NS)
        time.sleep((due_ns - _SPIN_NS - time.perf_counter_ns()) / _NS)
        while (now_ns := time.perf_counter_ns()) < due_ns:
            pass
        late.append(now_ns - due_ns)
    return late
