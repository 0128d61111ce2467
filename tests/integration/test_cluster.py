"""Opening clusters and fleets: placement, states, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

import netbench as nb

pytestmark = pytest.mark.anyio


async def test_workers_are_dealt_to_the_nodes_in_turn() -> None:
    """Five workers on two nodes."""
    async with nb.Cluster.local(nodes=2, isolation="process") as cluster, nb.WorkerFleet(cluster, workers=5) as fleet:
        nodes = [worker.node for worker in fleet.workers]
    assert nodes == ["node-1", "node-2", "node-1", "node-2", "node-1"]


async def test_one_worker_a_node_is_the_default() -> None:
    """Three nodes, three workers."""
    async with nb.Cluster.local(nodes=3, isolation="process") as cluster, nb.WorkerFleet(cluster) as fleet:
        names = [(worker.name, worker.node) for worker in fleet.workers]
    assert names == [("worker-0", "node-1"), ("worker-1", "node-2"), ("worker-2", "node-3")]


async def test_workers_know_their_zone() -> None:
    """Zones are given to the nodes in turn."""
    async with (
        nb.Cluster.local(nodes=["a", "b", "c"], zones=["east", "west"], isolation="process") as cluster,
        nb.WorkerFleet(cluster) as fleet,
    ):
        zones = [(worker.node, worker.zone) for worker in fleet.workers]
    assert zones == [("a", "east"), ("b", "west"), ("c", "east")]


async def test_a_placement_on_an_unknown_node_is_refused() -> None:
    """The error names the nodes that there are."""
    async with nb.Cluster.local(nodes=2, isolation="process") as cluster:
        with pytest.raises(nb.InvalidArgumentError, match="node-1, node-2"):
            async with nb.WorkerFleet(cluster, placement={"node-3": 1}):
                pass


@pytest.mark.usefixtures("namespaces")
async def test_every_worker_in_a_namespace_has_an_address_of_its_own() -> None:
    """Two fleets in one cluster do not share any."""
    async with (
        nb.Cluster.local(nodes=2, isolation="netns") as cluster,
        nb.WorkerFleet(cluster, workers=4) as one,
        nb.WorkerFleet(cluster, workers=4) as other,
    ):
        addresses = {worker.address for worker in (*one.workers, *other.workers)}
    assert len(addresses) == 8


@pytest.mark.usefixtures("namespaces")
async def test_auto_says_what_it_took() -> None:
    """As root, namespaces."""
    async with nb.Cluster.local() as cluster:
        assert cluster.isolation == "netns"


@pytest.mark.usefixtures("namespaces")
async def test_a_large_mtu_is_used_by_the_traffic() -> None:
    """Nine-thousand-byte frames, as the workers' own facts say."""
    async with nb.Cluster.local(nodes=2, isolation="netns", mtu=9000) as cluster, nb.WorkerFleet(cluster) as fleet:
        result = await nb.Measurement(nb.Tcp(), duration_s=0.3).run(fleet, nb.CrossNode())
    assert {facts.mtu for facts in result.metadata.workers.values()} == {9000}


async def test_a_cluster_is_opened_once() -> None:
    """The second time is an error that says what to do."""
    cluster = nb.Cluster.local(isolation="process")
    async with cluster:
        pass
    with pytest.raises(nb.StateError, match="make another"):
        async with cluster:
            pass


async def test_a_fleet_needs_an_open_cluster() -> None:
    """It says how to open one."""
    with pytest.raises(nb.StateError, match="async with"):
        async with nb.WorkerFleet(nb.Cluster.local(isolation="process")):
            pass


async def test_workers_of_a_closed_fleet_cannot_be_asked_for() -> None:
    """Rather than name processes that are gone."""
    async with nb.Cluster.local(isolation="process") as cluster:
        async with nb.WorkerFleet(cluster) as fleet:
            pass
        with pytest.raises(nb.StateError):
            _ = fleet.workers


async def test_an_error_inside_of_a_fleet_comes_out_as_itself() -> None:
    """Not wrapped in groups, so that it can be caught by its name."""
    with pytest.raises(nb.PairingError):
        async with (
            nb.Cluster.local(nodes=1, isolation="process") as cluster,
            nb.WorkerFleet(cluster, workers=2) as fleet,
        ):
            await nb.Measurement(nb.Tcp()).run(fleet, nb.CrossNode())


async def test_a_worker_that_cannot_start_is_named_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here its clock's test hook is no JSON."""
    monkeypatch.setenv("NETBENCH_TEST_CLOCK_SHIFTS_NS", "nonsense")
    async with nb.Cluster.local(isolation="process") as cluster:
        with pytest.raises(nb.PlacementError, match=r"worker-\d on node-\d.*JSONDecodeError"):
            async with nb.WorkerFleet(cluster):
                pass


async def test_workers_that_are_not_ready_in_time_are_named() -> None:
    """Nothing starts within a millisecond."""
    async with nb.Cluster.local(isolation="process") as cluster:
        with pytest.raises(nb.PlacementError, match=r"not ready within 0\.001 s"):
            async with nb.WorkerFleet(cluster, ready_timeout_s=0.001):
                pass


@pytest.mark.parametrize(
    "arguments",
    [
        {"nodes": 0},
        {"nodes": 255},
        {"nodes": True},
        {"nodes": ["a", "a"]},
        {"zones": []},
        {"zones": {"node-9": "a"}},
        {"isolation": "container"},
        {"link_rate_bps": 0},
        {"link_rate_bps": float("nan")},
        {"mtu": 100},
    ],
    ids=str,
)
def test_a_wrong_argument_of_a_cluster_is_named(arguments: dict[str, Any]) -> None:
    """When the cluster is made, before anything is started."""
    with pytest.raises(nb.InvalidArgumentError, match=rf"Cluster\.local\({next(iter(arguments))}=\)"):
        nb.Cluster.local(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"workers": 0},
        {"workers": True},
        {"workers": -3},
        {"per_node": 0},
        {"placement": {}},
        {"placement": {"node-1": -1}},
        {"ready_timeout_s": 0},
    ],
    ids=str,
)
def test_a_wrong_argument_of_a_fleet_is_named(arguments: dict[str, Any]) -> None:
    """When the fleet is made, before anything is started."""
    with pytest.raises(nb.InvalidArgumentError, match=rf"WorkerFleet\({next(iter(arguments))}=\)"):
        nb.WorkerFleet(nb.Cluster.local(), **arguments)
