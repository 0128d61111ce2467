"""A plan on workers that are placed unevenly, which ClusterLoader2 loses pairs of without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import netbench as nb

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("namespaces")]

PLAN = """\
name: uneven
steps:
- measurements:
  - Identifier: net
    Method: NetworkPerformanceMetrics
    Params: {action: start, duration: 500ms, protocol: TCP, numberOfServers: 2, numberOfClients: 2, pairing: PAIRING}
- measurements:
  - {Identifier: net, Method: NetworkPerformanceMetrics, Params: {action: gather}}
"""


async def outcome(directory: Path, pairing: str, nodes: int) -> nb.PlanOutcome:
    """Run the plan."""
    (directory / "plan.yaml").write_text(PLAN.replace("PAIRING", pairing))
    plan = nb.load_plan(nb.PlanSources(files=(str(directory / "plan.yaml"),)))
    async with nb.Cluster.local(nodes=nodes, isolation="netns") as cluster:
        return await nb.run_plan(plan, cluster)


async def test_pairs_that_cannot_be_made_fail_the_plan_by_number_and_name(tmp_path: Path) -> None:
    """Four workers on three nodes, two of them on one: one pair within a node, and two workers left over."""
    result = await outcome(tmp_path, "same-node", 3)
    failures = result.scenarios[0].all_failures()
    assert not result.passed
    assert any("1 of 2 pairs could not be made" in failure for failure in failures)
    assert sum("is in no pair" in failure for failure in failures) == 2


async def test_every_pair_that_can_be_made_is_made(tmp_path: Path) -> None:
    """The same workers, across nodes: both pairs."""
    assert (await outcome(tmp_path, "cross-node", 3)).passed
