"""Strategies that look at nodes and zones."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from netbench.errors import PairingError
from netbench.pairing import (
    CrossNode,
    CrossZone,
    NodeMatrix,
    SameNode,
)
from tests.unit.pairing.fleets import (
    ZONES,
    all_pairs,
    appearances,
    fleets,
    names,
    pair_or_discard,
    spread_fleets,
    zoned_fleets,
)
from tests.unit.workers import make_workers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netbench.topology import Worker


# -- CrossNode ---------------------------------------------------------------------------------------------------------


@given(spread_fleets)
def test_cross_node_makes_as_many_pairs_as_there_can_be(workers: Sequence[Worker]) -> None:
    """Of N workers, M on the fullest node, min(N // 2, N - M)."""
    count, fullest = len(workers), max(Counter(worker.node for worker in workers).values())
    assert len(all_pairs(CrossNode().pair(workers))) == min(count // 2, count - fullest)


@given(spread_fleets)
def test_cross_node_pairs_are_on_two_nodes(workers: Sequence[Worker]) -> None:
    """No pair stays on its node."""
    assert all(pair.client.node != pair.server.node for pair in all_pairs(CrossNode().pair(workers)))


@given(spread_fleets)
def test_cross_node_has_every_worker_exactly_once(workers: Sequence[Worker]) -> None:
    """In one pair, or left over."""
    assert appearances(CrossNode().pair(workers)) == Counter(names(workers))


@given(spread_fleets)
def test_cross_node_takes_the_earlier_worker_as_client(workers: Sequence[Worker]) -> None:
    """The client comes first in the fleet."""
    place = {worker: index for index, worker in enumerate(workers)}
    assert all(place[pair.client] < place[pair.server] for pair in all_pairs(CrossNode().pair(workers)))


@given(spread_fleets)
def test_cross_node_takes_one_round(workers: Sequence[Worker]) -> None:
    """All pairs send at the same time."""
    assert len(CrossNode().pair(workers).rounds) == 1


def test_a_hundred_workers_placed_60_and_40_give_40_pairs() -> None:
    """The smaller node is used up."""
    assert len(all_pairs(CrossNode().pair(make_workers([1] * 60 + [2] * 40)))) == 40


def test_a_hundred_workers_placed_60_and_40_leave_20_over() -> None:
    """All on the fuller node."""
    left = CrossNode().pair(make_workers([1] * 60 + [2] * 40)).left_over
    assert Counter(each.worker.node for each in left) == {"node-1": 20}


def test_a_crowded_out_worker_is_told_the_numbers() -> None:
    """The reason says how many share its node and how many are elsewhere."""
    left = CrossNode().pair(make_workers([1] * 60 + [2] * 40)).left_over
    assert {each.reason for each in left} == {
        "node-1 has 60 of the 100 workers, and only 40 workers elsewhere to pair them with"
    }


def test_a_single_worker_elsewhere_is_not_written_as_several() -> None:
    """The reason is in proper English for one worker."""
    left = CrossNode().pair(make_workers([1, 1, 2])).left_over
    assert [each.reason for each in left] == [
        "node-1 has 2 of the 3 workers, and only 1 worker elsewhere to pair them with"
    ]


def test_the_odd_worker_is_told_so() -> None:
    """Three workers on three nodes."""
    left = CrossNode().pair(make_workers([1, 2, 3])).left_over
    assert [each.reason for each in left] == ["the number of workers, 3, is odd"]


def test_cross_node_on_one_node_is_refused() -> None:
    """The message names the node and three ways out."""
    with pytest.raises(PairingError) as caught:
        CrossNode().pair(make_workers([5, 5]))
    assert str(caught.value) == (
        "all 2 workers are on node-5 and CrossNode() needs workers on two nodes: "
        "give the cluster more nodes, spread the workers, or use SameNode()"
    )


# -- CrossZone ---------------------------------------------------------------------------------------------------------


@given(zoned_fleets)
def test_cross_zone_makes_as_many_pairs_as_there_can_be(workers: Sequence[Worker]) -> None:
    """As with nodes, among the workers that have a zone."""
    zones = Counter(worker.zone for worker in workers if worker.zone is not None)
    pairing = pair_or_discard(CrossZone(), workers)
    most = min(zones.total() // 2, zones.total() - max(zones.values(), default=0))
    assert (0 if pairing is None else len(all_pairs(pairing))) == most


@given(zoned_fleets)
def test_cross_zone_pairs_are_in_two_zones(workers: Sequence[Worker]) -> None:
    """Both zones are known, and differ."""
    pairing = pair_or_discard(CrossZone(), workers)
    zones = [] if pairing is None else [{pair.client.zone, pair.server.zone} for pair in all_pairs(pairing)]
    assert all(len(both) == 2 and None not in both for both in zones)


@given(zoned_fleets)
def test_cross_zone_has_every_worker_exactly_once(workers: Sequence[Worker]) -> None:
    """In one pair, or left over."""
    pairing = pair_or_discard(CrossZone(), workers)
    assert pairing is None or appearances(pairing) == Counter(names(workers))


def test_a_worker_without_a_zone_is_told_so() -> None:
    """The reason names its node."""
    left = CrossZone().pair(make_workers([1, 3, 7], ZONES)).left_over
    assert [(each.worker.name, each.reason) for each in left] == [("worker-2", "its node node-7 has no zone")]


def test_a_worker_crowded_out_of_zones_is_told_its_zones_numbers() -> None:
    """Nodes do not matter, only zones."""
    left = CrossZone().pair(make_workers([1, 2, 3], ZONES)).left_over
    assert [each.reason for each in left] == ["a has 2 of the 3 workers, and only 1 worker elsewhere to pair them with"]


def test_cross_zone_in_one_zone_is_refused() -> None:
    """The message names the only zone."""
    with pytest.raises(PairingError, match=r"^the only zone is a and CrossZone\(\) needs workers in two zones"):
        CrossZone().pair(make_workers([1, 2, 7], ZONES))


def test_cross_zone_without_zones_is_refused() -> None:
    """The message says so, and how to give a cluster zones."""
    with pytest.raises(PairingError, match=r"^none of the 2 workers has a zone .* zones=\['a', 'b'\]"):
        CrossZone().pair(make_workers([1, 2]))


# -- SameNode ----------------------------------------------------------------------------------------------------------


@given(fleets)
def test_same_node_pairs_all_but_the_odd_worker_of_each_node(workers: Sequence[Worker]) -> None:
    """Half of each node's workers, rounded down."""
    pairing = pair_or_discard(SameNode(), workers)
    most = sum(members // 2 for members in Counter(worker.node for worker in workers).values())
    assert (0 if pairing is None else len(all_pairs(pairing))) == most


@given(fleets)
def test_same_node_pairs_stay_on_their_node(workers: Sequence[Worker]) -> None:
    """Client and server share a node."""
    pairing = pair_or_discard(SameNode(), workers)
    assert pairing is None or all(pair.client.node == pair.server.node for pair in all_pairs(pairing))


@given(fleets)
def test_same_node_has_every_worker_exactly_once(workers: Sequence[Worker]) -> None:
    """In one pair, or left over."""
    pairing = pair_or_discard(SameNode(), workers)
    assert pairing is None or appearances(pairing) == Counter(names(workers))


def test_the_odd_worker_of_a_node_is_told_its_nodes_number() -> None:
    """The reason names the node."""
    left = SameNode().pair(make_workers([1, 1, 2, 1])).left_over
    assert [(each.worker.name, each.reason) for each in left] == [
        ("worker-2", "node-2 has an odd number of workers, 1"),
        ("worker-3", "node-1 has an odd number of workers, 3"),
    ]


def test_same_node_with_one_worker_a_node_is_refused() -> None:
    """The message says how many workers would do."""
    with pytest.raises(PairingError, match=r"^each of the 3 workers .* use WorkerFleet\(cluster, workers=6\)"):
        SameNode().pair(make_workers([1, 2, 3]))


# -- NodeMatrix --------------------------------------------------------------------------------------------------------


@given(spread_fleets)
def test_the_matrix_has_every_ordered_pair_of_nodes_exactly_once(workers: Sequence[Worker]) -> None:
    """Each node with each other one, in both directions."""
    met = Counter((pair.client.node, pair.server.node) for pair in all_pairs(NodeMatrix().pair(workers)))
    assert met == Counter(permutations({worker.node for worker in workers}, 2))


@given(spread_fleets)
def test_no_node_works_twice_in_a_round_of_the_matrix(workers: Sequence[Worker]) -> None:
    """Pairs of one round do not disturb each other."""
    for pairs in NodeMatrix().pair(workers).rounds:
        busy = [worker.node for pair in pairs for worker in (pair.client, pair.server)]
        assert len(busy) == len(set(busy))


@given(spread_fleets)
def test_the_matrix_takes_as_few_rounds_as_a_tournament(workers: Sequence[Worker]) -> None:
    """Twice N - 1 for an even number of nodes, twice N for an odd one."""
    nodes = len({worker.node for worker in workers})
    assert len(NodeMatrix().pair(workers).rounds) == 2 * (nodes - 1 + nodes % 2)


@given(spread_fleets)
def test_the_first_worker_of_a_node_stands_for_it(workers: Sequence[Worker]) -> None:
    """All others are left over."""
    first = {worker.node: worker for worker in reversed(workers)}
    left = NodeMatrix().pair(workers).left_over
    assert {each.worker for each in left} == set(workers) - set(first.values())


def test_a_workers_stand_in_is_named() -> None:
    """The reason says who stands for the node."""
    left = NodeMatrix().pair(make_workers([1, 2, 2])).left_over
    assert [each.reason for each in left] == ["worker-1 stands for node-2: NodeMatrix() takes one worker of each"]


def test_a_matrix_of_one_node_is_refused() -> None:
    """The message names the node."""
    with pytest.raises(PairingError, match=r"^all 3 workers are on node-1 and NodeMatrix\(\) needs workers on two"):
        NodeMatrix().pair(make_workers([1, 1, 1]))
