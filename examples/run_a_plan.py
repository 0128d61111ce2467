"""Run a suite in ClusterLoader2's form, with a measurement method of one's own beside its."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import anyio

import netbench as nb

if TYPE_CHECKING:
    from collections.abc import Sequence

PLANS = Path(__file__).parent / "plans"


@nb.measurement_method("IdleDelay")
class IdleDelay:
    """The median one-way delay of a network that carries nothing else, in microseconds."""

    async def execute(self, call: nb.MethodCall, context: nb.MethodContext) -> Sequence[nb.Summary]:
        """Send a datagram each ten milliseconds."""
        measurement = nb.Measurement(nb.Udp(rate_pps=100), duration_s=call.params["seconds"])
        async with nb.WorkerFleet(context.cluster, workers=2) as fleet:
            result = await measurement.run(fleet, nb.CrossNode())
        delay = result.one_way_delay
        failures = () if delay is not None else ("no datagram arrived",)
        content = "" if delay is None else f"{delay.percentile(50) * 1e6:.1f}"
        return [nb.Summary(name="IdleDelay", content=content, extension="txt", result=result, failures=failures)]

    async def dispose(self) -> None:
        """Nothing is held between calls."""


async def main() -> None:
    """Read and check all files, run them on this machine, and print what became of each test."""
    files = (str(PLANS / "suite.yaml"), str(PLANS / "own_method.yaml"))
    plan = nb.load_plan(nb.PlanSources(files=files))
    async with nb.Cluster.local(nodes=2) as cluster:
        outcome = await nb.run_plan(plan, cluster, tell=print)
    for scenario in outcome.scenarios:
        print(scenario.scenario.title, "failed" if scenario.all_failures() else "passed")
        for summary in scenario.summaries():
            print(summary.name, summary.content if summary.extension == "txt" else summary.result)


if __name__ == "__main__":
    anyio.run(main)
