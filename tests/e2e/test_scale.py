"""What a pair costs the API server does not grow with the number of pairs."""

from __future__ import annotations

import re
import resource
from typing import TYPE_CHECKING, Any

import pytest

import netbench as nb
from tests.e2e.simulated import SELECTOR, simulated_nodes
from tests.e2e.stub_traffic import stub_traffic

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.kubernetes import Kubernetes

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(280)]

_LINE = re.compile(r"^apiserver_request_total\{(?P<labels>[^}]*)\} (?P<count>\S+)$", re.MULTILINE)


async def requests_of_requests(kubernetes: Kubernetes) -> int:
    """Give how many calls about NetworkTestRequests the API server has answered, by its own count."""
    reply = await kubernetes.api.transport.send(
        "GET", "/metrics", body=None, content_type="application/json", timeout_s=20
    )
    return sum(
        int(float(match["count"]))
        for match in _LINE.finditer(reply.body.decode())
        if 'resource="networktestrequests"' in match["labels"] and 'verb="WATCH"' not in match["labels"]
    )


async def cost(kubernetes: Kubernetes, directory: Path, workers: int) -> float:
    """Measure with so many workers, and give the calls per pair."""
    directory.mkdir()
    cluster = nb.Cluster.connect(kubeconfig=kubernetes.kubeconfig, namespace=kubernetes.namespace)
    async with (
        cluster,
        simulated_nodes(kubernetes, range(2), directory),
        nb.WorkerFleet(cluster, workers=workers, node_selector=SELECTOR) as fleet,
    ):
        before = await requests_of_requests(kubernetes)
        measurement = nb.Measurement(
            nb.Udp(rate_pps=10), duration_s=2, interval_s=1, arm_timeout_s=60, gather_timeout_s=60
        )
        result = await measurement.run(fleet, nb.CrossNode())
        after = await requests_of_requests(kubernetes)
    result.raise_if_incomplete()
    latest = max(pair.start_lateness_s for pair in result.pairs)
    print(
        f"{len(result.pairs)} pairs: {(after - before) / len(result.pairs):.2f} calls each, latest start {latest:.3f} s"
    )
    return (after - before) / len(result.pairs)


@pytest.mark.usefixtures("lab_only")
@pytest.mark.parametrize("affinity", [None, {"podAntiAffinity": {}}], ids=["directly", "by-the-scheduler"])
async def test_workers_are_placed_by_name_on_nodes_with_other_hostnames(
    kubernetes: Kubernetes, tmp_path: Path, affinity: dict[str, Any] | None
) -> None:
    """A scheduler selects a node by its hostname, which is not everywhere its name."""
    cluster = nb.Cluster.connect(kubeconfig=kubernetes.kubeconfig, namespace=kubernetes.namespace)
    async with (
        simulated_nodes(kubernetes, range(2), tmp_path),
        cluster,
        nb.WorkerFleet(cluster, placement={"simulated-0": 1, "simulated-1": 2}, affinity=affinity) as fleet,
    ):
        assert [worker.node for worker in fleet.workers] == ["simulated-0", "simulated-1", "simulated-1"]


@pytest.mark.usefixtures("lab_only")
async def test_calls_per_pair_are_the_same_for_thirty_and_for_three_hundred_workers(
    kubernetes: Kubernetes, tmp_path: Path
) -> None:
    """One create and a handful of status writes, whatever the number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16384)), hard))
    with stub_traffic():
        few = await cost(kubernetes, tmp_path / "few", 30)
        many = await cost(kubernetes, tmp_path / "many", 300)
    assert few < 8
    assert many < 1.25 * few
