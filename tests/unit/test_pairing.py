"""Strategies, for any placement of workers; and what a measurement refuses of users' own ones."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.errors import InvalidArgumentError, PairingError
from netbench.pairing import (
    CrossNode,
    CrossZone,
    ExplicitPairs,
    ManyToOne,
    NodeMatrix,
    OneToMany,
    Pairing,
    PairingStrategy,
    RandomPairs,
    SameNode,
    check_pairing,
)
from netbench.topology import LeftOver, Pair, Worker
from tests.unit.workers import make_worker, make_workers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ZONES = {1: "a", 2: "a", 3: "b", 4: "c"}

#: The node of each worker of a fleet; any number of workers, in any order.
placements = st.lists(st.integers(min_value=1, max_value=7), min_size=2, max_size=40)
fleets = placements.map(make_workers)
zoned_fleets = placements.map(lambda nodes: make_workers(nodes, ZONES))
spread_fleets = fleets.filter(lambda workers: len({worker.node for worker in workers}) > 1)
seeds = st.integers(min_value=0, max_value=2**64)
strategies: st.SearchStrategy[PairingStrategy] = st.one_of(
    st.sampled_from([CrossNode(), CrossZone(), SameNode(), NodeMatrix(), ManyToOne(), OneToMany()]),
    st.builds(RandomPairs, seeds),
)


def all_pairs(pairing: Pairing) -> list[Pair]:
    """Give the pairs of all rounds in one list."""
    return [pair for pairs in pairing.rounds for pair in pairs]


def names(workers: Iterable[Worker]) -> list[str]:
    """Name the workers."""
    return [worker.name for worker in workers]


def named(pairing: Pairing) -> list[list[tuple[str, str]]]:
    """Name the workers of each round's pairs."""
    return [[(pair.client.name, pair.server.name) for pair in pairs] for pairs in pairing.rounds]


def appearances(pairing: Pairing) -> Counter[str]:
    """Count in how many pairs each worker is, a left-over one as in one."""
    paired = [worker for pair in all_pairs(pairing) for worker in (pair.client, pair.server)]
    return Counter(names([*paired, *(left.worker for left in pairing.left_over)]))


def pair_or_discard(strategy: PairingStrategy, workers: Sequence[Worker]) -> Pairing | None:
    """Pair the workers; None where none can be paired."""
    try:
        return strategy.pair(workers)
    except PairingError:
        return None


# -- all strategies ----------------------------------------------------------------------------------------------------


@given(strategies, zoned_fleets)
def test_every_strategy_of_ours_passes_the_check_unchanged(
    strategy: PairingStrategy, workers: Sequence[Worker]
) -> None:
    """check_pairing has nothing to refuse and no left-over worker to add."""
    pairing = pair_or_discard(strategy, workers)
    assert pairing is None or check_pairing(pairing, workers) == pairing


@given(strategies, zoned_fleets)
def test_every_worker_is_in_a_pair_or_left_over(strategy: PairingStrategy, workers: Sequence[Worker]) -> None:
    """Nobody is forgotten."""
    pairing = pair_or_discard(strategy, workers)
    assert pairing is None or set(appearances(pairing)) == set(names(workers))


@given(strategies, zoned_fleets)
def test_every_left_over_worker_has_a_reason(strategy: PairingStrategy, workers: Sequence[Worker]) -> None:
    """The reason is said in words."""
    pairing = pair_or_discard(strategy, workers)
    assert pairing is None or all(left.reason for left in pairing.left_over)


@given(strategies, zoned_fleets)
def test_a_strategy_is_a_pure_function(strategy: PairingStrategy, workers: Sequence[Worker]) -> None:
    """The same workers in the same order give the same pairing."""
    assert pair_or_discard(strategy, workers) == pair_or_discard(strategy, list(workers))


@pytest.mark.parametrize(
    ("strategy", "written"),
    [
        (CrossNode(), "CrossNode()"),
        (CrossZone(), "CrossZone()"),
        (SameNode(), "SameNode()"),
        (NodeMatrix(), "NodeMatrix()"),
        (ManyToOne(), "ManyToOne()"),
        (OneToMany(), "OneToMany()"),
        (RandomPairs(seed=3), "RandomPairs(seed=3)"),
    ],
)
def test_one_worker_is_refused_by_name(strategy: PairingStrategy, written: str) -> None:
    """The message names the strategy, the only worker, and what to write."""
    with pytest.raises(PairingError) as caught:
        strategy.pair(make_workers([4]))
    assert str(caught.value) == (
        f"{written} needs at least two workers and the fleet has only worker-0 on node-4: "
        "use WorkerFleet(cluster, workers=2) or more"
    )


def test_a_fleet_without_workers_is_refused() -> None:
    """The message says that there is none."""
    with pytest.raises(PairingError, match="the fleet has none"):
        CrossNode().pair(())


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


# -- RandomPairs -------------------------------------------------------------------------------------------------------


@given(fleets, seeds)
def test_the_same_seed_draws_the_same_pairs(workers: list[Worker], seed: int) -> None:
    """A run can be repeated."""
    assert RandomPairs(seed).pair(workers) == RandomPairs(seed).pair(workers)


@given(fleets, seeds)
def test_the_lottery_has_every_worker_exactly_once(workers: list[Worker], seed: int) -> None:
    """In one pair, or left over."""
    assert appearances(RandomPairs(seed).pair(workers)) == Counter(names(workers))


@given(fleets, seeds)
def test_the_lottery_leaves_only_an_odd_worker_over(workers: list[Worker], seed: int) -> None:
    """N // 2 pairs wherever the workers are."""
    assert len(RandomPairs(seed).pair(workers).left_over) == len(workers) % 2


def test_every_ordered_pair_of_workers_is_drawn_by_some_seed() -> None:
    """Neither partners nor roles are fixed."""
    workers = make_workers([1, 2, 3, 4])
    drawn = {pair for seed in range(200) for pair in all_pairs(RandomPairs(seed).pair(workers))}
    assert drawn == {Pair(client, server) for client, server in permutations(workers, 2)}


def test_the_worker_that_the_lottery_leaves_over_is_told_why() -> None:
    """The number was odd."""
    left = RandomPairs(1).pair(make_workers([1, 1, 1])).left_over
    assert [each.reason for each in left] == ["the number of workers, 3, is odd"]


@pytest.mark.parametrize("seed", [-1, 1.5, True, "1", None])
def test_a_seed_that_is_no_whole_number_is_refused(seed: Any) -> None:  # noqa: ANN401 - deliberately wrong
    """The message names the argument."""
    with pytest.raises(InvalidArgumentError, match=r"^RandomPairs\(seed=\) must be a whole number of at least 0"):
        RandomPairs(seed)


# -- ManyToOne, OneToMany ----------------------------------------------------------------------------------------------


@given(fleets)
def test_many_to_one_makes_the_first_worker_the_only_server(workers: Sequence[Worker]) -> None:
    """All others are its clients, in their order."""
    pairing = ManyToOne().pair(workers)
    assert pairing.rounds == (tuple(Pair(client, workers[0]) for client in workers[1:]),)


@given(fleets)
def test_one_to_many_makes_the_first_worker_the_only_client(workers: Sequence[Worker]) -> None:
    """All others are its servers, in their order."""
    pairing = OneToMany().pair(workers)
    assert pairing.rounds == (tuple(Pair(workers[0], server) for server in workers[1:]),)


def test_the_one_server_can_be_named() -> None:
    """The others come to it."""
    assert named(ManyToOne(server="worker-1").pair(make_workers([1, 1, 2]))) == [
        [("worker-0", "worker-1"), ("worker-2", "worker-1")]
    ]


def test_the_one_client_can_be_named() -> None:
    """It goes to the others."""
    assert named(OneToMany(client="worker-2").pair(make_workers([1, 1, 2]))) == [
        [("worker-2", "worker-0"), ("worker-2", "worker-1")]
    ]


@pytest.mark.parametrize(
    ("strategy", "where"),
    [
        (ManyToOne(server="worker-9"), "ManyToOne(server=)"),
        (OneToMany(client="worker-9"), "OneToMany(client=)"),
        (ExplicitPairs([("worker-0", "worker-9")]), "ExplicitPairs(pairs=)"),
        (ExplicitPairs(rounds=[[("worker-9", "worker-0")]]), "ExplicitPairs(rounds=)"),
    ],
)
def test_an_unknown_name_is_refused_where_it_was_given(strategy: PairingStrategy, where: str) -> None:
    """The message begins with the argument and repeats the name."""
    with pytest.raises(PairingError) as caught:
        strategy.pair(make_workers([1, 2]))
    assert str(caught.value).startswith(f"{where} names the worker 'worker-9', which the fleet does not have: ")


def test_a_similar_name_is_offered() -> None:
    """A slip of the pen is recognised."""
    with pytest.raises(PairingError, match=r"did you mean 'worker-1'\? It has worker-0, worker-1$"):
        ManyToOne(server="wroker-1").pair(make_workers([1, 2]))


def test_no_similar_name_is_made_up() -> None:
    """A wholly different name gets the list alone."""
    with pytest.raises(PairingError, match=r"does not have: It has worker-0, worker-1$"):
        ManyToOne(server="x").pair(make_workers([1, 2]))


def test_a_long_list_of_names_is_cut() -> None:
    """Eight names, and how many more there are."""
    with pytest.raises(PairingError, match=r"worker-7 and 92 more$"):
        ManyToOne(server="x").pair(make_workers([1] * 100))


@pytest.mark.parametrize("name", ["", 3])
def test_a_server_that_is_no_name_is_refused(name: Any) -> None:  # noqa: ANN401 - deliberately wrong
    """The message names the argument."""
    with pytest.raises(InvalidArgumentError, match=r"^ManyToOne\(server=\) must be a string that is not empty"):
        ManyToOne(server=name)


# -- ExplicitPairs -----------------------------------------------------------------------------------------------------


def test_explicit_pairs_are_exactly_those() -> None:
    """In the order in which they were given, in one round."""
    pairs = [("worker-2", "worker-0"), ("worker-0", "worker-1"), ("worker-0", "worker-2")]
    assert named(ExplicitPairs(pairs).pair(make_workers([1, 1, 2]))) == [pairs]


def test_explicit_rounds_are_exactly_those() -> None:
    """The same pair may be in two rounds."""
    rounds = [[("worker-0", "worker-1")], [("worker-1", "worker-0"), ("worker-0", "worker-1")]]
    assert named(ExplicitPairs(rounds=rounds).pair(make_workers([1, 1]))) == rounds


def test_a_worker_that_explicit_pairs_do_not_name_is_left_over() -> None:
    """The reason says where it would have to be named."""
    left = ExplicitPairs([("worker-0", "worker-1")]).pair(make_workers([1, 1, 2])).left_over
    assert [(each.worker.name, each.reason) for each in left] == [
        ("worker-2", "ExplicitPairs(pairs=) does not name it")
    ]


@pytest.mark.parametrize(
    "arguments",
    [{}, {"pairs": []}, {"rounds": []}, {"pairs": [("a", "b")], "rounds": [[("a", "b")]]}],
)
def test_explicit_pairs_take_exactly_one_of_pairs_and_rounds(arguments: dict[str, Any]) -> None:
    """Neither and both are refused."""
    with pytest.raises(InvalidArgumentError, match=r"^ExplicitPairs\(pairs=, rounds=\) must be one of the two"):
        ExplicitPairs(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pairs": "ab"}, r"^ExplicitPairs\(pairs=\) must be a list of \(client, server\) names"),
        ({"pairs": 5}, r"^ExplicitPairs\(pairs=\) must be a list of \(client, server\) names"),
        ({"pairs": ["ab"]}, r"^ExplicitPairs\(pairs=\) must be a list of \(client, server\) names"),
        ({"pairs": [("a", "b", "c")]}, r"^ExplicitPairs\(pairs=\) must be made of two names each"),
        ({"pairs": [("a", "")]}, r"^ExplicitPairs\(pairs=\) must be made of two names each"),
        ({"pairs": [("a", 1)]}, r"^ExplicitPairs\(pairs=\) must be made of two names each"),
        ({"rounds": [("a", "b")]}, r"^ExplicitPairs\(rounds=\) must be a list of \(client, server\) names"),
        ({"rounds": [[("a", "b")], []]}, r"^ExplicitPairs\(rounds=\) must be rounds of at least one pair"),
        ({"pairs": [("a", "a")]}, r"^ExplicitPairs\(pairs=\) must be made of two different workers"),
        ({"rounds": [[("a", "a")]]}, r"^ExplicitPairs\(rounds=\) must be made of two different workers"),
        ({"pairs": [("a", "b"), ("a", "b")]}, r"^ExplicitPairs\(pairs=\) must be different pairs within a round"),
    ],
)
def test_explicit_pairs_refuse_what_is_no_pair(arguments: dict[str, Any], message: str) -> None:
    """The message names the argument and says what would be right."""
    with pytest.raises(InvalidArgumentError, match=message):
        ExplicitPairs(**arguments)


# -- Pairing and check_pairing -----------------------------------------------------------------------------------------

CREW = make_workers([1, 2, 3])
FIRST, SECOND, THIRD = CREW
STRANGER = make_worker(9)


def test_a_pairing_takes_any_iterables() -> None:
    """Lists and generators become tuples."""
    pairing = Pairing(rounds=([Pair(FIRST, SECOND)] for _ in range(2)), left_over=[])
    assert (pairing.rounds, pairing.left_over) == (((Pair(FIRST, SECOND),),) * 2, ())


def test_a_pairing_of_tuples_is_refused() -> None:
    """A pair is a Pair."""
    wrong: Any = [[(FIRST, SECOND)]]
    with pytest.raises(InvalidArgumentError, match=r"^Pairing\(rounds=\) must be rounds of Pair\(client, server\)"):
        Pairing(rounds=wrong)


def test_workers_left_over_without_a_reason_are_refused() -> None:
    """A worker alone is no LeftOver."""
    wrong: Any = [THIRD]
    with pytest.raises(InvalidArgumentError, match=r"^Pairing\(left_over=\) must be a sequence of LeftOver"):
        Pairing(rounds=[[Pair(FIRST, SECOND)]], left_over=wrong)


def test_a_worker_that_a_strategy_forgot_is_added_to_those_left_over() -> None:
    """With a reason that blames the strategy."""
    checked = check_pairing(Pairing(rounds=[[Pair(FIRST, SECOND)]]), CREW)
    assert checked.left_over == (LeftOver(worker=THIRD, reason="the strategy did not pair it"),)


def test_a_strategys_own_reason_is_kept() -> None:
    """The check knows nothing better."""
    left = LeftOver(worker=THIRD, reason="it rests")
    assert check_pairing(Pairing(rounds=[[Pair(FIRST, SECOND)]], left_over=[left]), CREW).left_over == (left,)


def test_the_same_pair_may_be_in_two_rounds() -> None:
    """Rounds repeat as the strategy likes."""
    pairing = Pairing(rounds=[[Pair(FIRST, SECOND)]] * 2)
    assert check_pairing(pairing, CREW[:2]) == pairing


def test_a_pair_and_its_reverse_may_be_in_one_round() -> None:
    """They are different pairs."""
    pairing = Pairing(rounds=[[Pair(FIRST, SECOND), Pair(SECOND, FIRST)]])
    assert check_pairing(pairing, CREW[:2]) == pairing


@pytest.mark.parametrize("wrong", [None, [[Pair(FIRST, SECOND)]]])
def test_something_else_than_a_pairing_is_refused(wrong: object) -> None:
    """The message names the type that came."""
    with pytest.raises(PairingError, match=rf"must return a netbench\.Pairing .*, not {type(wrong).__name__}$"):
        check_pairing(wrong, CREW)


@pytest.mark.parametrize("rounds", [[], [[]], [[], []]])
def test_a_pairing_without_a_pair_is_refused(rounds: list[list[Pair]]) -> None:
    """The reasons of those left over are all that there is to tell."""
    pairing = Pairing(rounds=rounds, left_over=[LeftOver(worker=THIRD, reason="it rests")])
    with pytest.raises(PairingError, match=r"^the strategy made no pair\n  worker-2: it rests$"):
        check_pairing(pairing, CREW)


@pytest.mark.parametrize(
    ("pairing", "message"),
    [
        (Pairing(rounds=[[Pair(FIRST, SECOND)], []]), r"^round 1 .* has no pair: leave such rounds out$"),
        (Pairing(rounds=[[Pair(FIRST, STRANGER)]]), r"^round 0 .* has Worker\(name='worker-9', .* does not have"),
        (
            Pairing(rounds=[[Pair(FIRST, attrs.evolve(SECOND, address="203.0.113.1"))]]),
            r"^round 0 .* has Worker\(name='worker-1', .*203\.0\.113\.1.* does not have: use the workers that pair",
        ),
        (Pairing(rounds=[[Pair(FIRST, FIRST)]]), r"^round 0 .* pairs worker-0 with itself"),
        (Pairing(rounds=[[Pair(FIRST, SECOND)] * 2]), r"^round 0 .* has worker-0 -> worker-1 twice"),
        (
            Pairing(rounds=[[Pair(FIRST, SECOND)]], left_over=[LeftOver(worker=STRANGER, reason="x")]),
            r"^left_over of .* has Worker\(name='worker-9', .* does not have",
        ),
        (
            Pairing(rounds=[[Pair(FIRST, SECOND)]], left_over=[LeftOver(worker=FIRST, reason="x")]),
            r"names worker-0 as left over, and has it in a pair$",
        ),
    ],
    ids=["empty round", "stranger", "changed worker", "itself", "twice", "stranger left over", "paired and left over"],
)
def test_a_pairing_that_cannot_be_measured_is_refused(pairing: Pairing, message: str) -> None:
    """The message says where the mistake is."""
    with pytest.raises(PairingError, match=message):
        check_pairing(pairing, CREW)
