"""Strategies that look at the workers alone: by lot, around one of them, or as named."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from netbench.errors import InvalidArgumentError, PairingError
from netbench.pairing import (
    ExplicitPairs,
    ManyToOne,
    OneToMany,
    PairingStrategy,
    RandomPairs,
)
from netbench.topology import Pair, Worker
from tests.unit.pairing.fleets import (
    all_pairs,
    appearances,
    fleets,
    named,
    names,
    seeds,
)
from tests.unit.workers import make_workers

if TYPE_CHECKING:
    from collections.abc import Sequence


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
