"""Strategies with real workers: each pair is in the result, or its workers are named as left over."""

from __future__ import annotations

import pytest

import netbench as nb

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("namespaces")]

GENTLE = nb.Tcp(rate_bps=5e6)


async def test_eight_clients_measure_with_one_server() -> None:
    """N:1, all at once."""
    async with nb.Cluster.local(nodes=3, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=9) as fleet:
        result = await nb.Measurement(GENTLE, duration_s=1).run(fleet, nb.ManyToOne())
    assert result.complete
    assert (len({pair.pair.client for pair in result.pairs}), len({pair.pair.server for pair in result.pairs})) == (
        8,
        1,
    )


async def test_eight_clients_share_the_servers_link() -> None:
    """The total over the common window is what the link's headers leave, not the sum of what each client sent."""
    async with (
        nb.Cluster.local(nodes=9, isolation="netns", link_rate_bps=100e6) as cluster,
        nb.WorkerFleet(cluster, workers=9) as fleet,
    ):
        result = await nb.Measurement(nb.Tcp(), duration_s=3, warmup_s=1).run(fleet, nb.ManyToOne())
    assert result.total_throughput_bps == pytest.approx(100e6 * 1448 / 1514, rel=0.02)


async def test_a_node_matrix_measures_every_ordered_pair_of_four_nodes() -> None:
    """Twelve ordered pairs, in rounds in which no node works twice."""
    async with nb.Cluster.local(nodes=4, isolation="netns") as cluster, nb.WorkerFleet(cluster, per_node=1) as fleet:
        result = await nb.Measurement(GENTLE, duration_s=0.3).run(fleet, nb.NodeMatrix())
    assert len({(pair.pair.client.node, pair.pair.server.node) for pair in result.pairs}) == 12


async def test_an_uneven_placement_loses_no_pair_silently() -> None:
    """Six and four workers make four pairs across the nodes; the two left over are named."""
    async with (
        nb.Cluster.local(nodes=2, isolation="netns") as cluster,
        nb.WorkerFleet(cluster, placement={"node-1": 6, "node-2": 4}) as fleet,
    ):
        result = await nb.Measurement(GENTLE, duration_s=0.5).run(fleet, nb.CrossNode())
    assert (len(result.pairs), len(result.left_over), result.complete) == (4, 2, True)


async def test_workers_on_one_node_measure_with_each_other() -> None:
    """Same-node pairs."""
    async with nb.Cluster.local(nodes=1, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=4) as fleet:
        result = await nb.Measurement(GENTLE, duration_s=0.5).run(fleet, nb.SameNode())
    assert (len(result.pairs), result.complete) == (2, True)


async def test_one_worker_is_client_and_server_in_turn() -> None:
    """Workers have no fixed role."""
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        strategy = nb.ExplicitPairs([("worker-0", "worker-1"), ("worker-1", "worker-0")])
        result = await nb.Measurement(GENTLE, duration_s=0.5).run(fleet, strategy)
    assert result.complete


async def test_one_client_sends_to_many_servers() -> None:
    """1:N, several pairs of one client at once."""
    async with nb.Cluster.local(nodes=3, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=4) as fleet:
        result = await nb.Measurement(GENTLE, duration_s=0.5).run(fleet, nb.OneToMany())
    assert (len(result.pairs), result.complete) == (3, True)
