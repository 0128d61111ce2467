"""What a measurement refuses of users' own strategies."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from netbench.errors import InvalidArgumentError, PairingError
from netbench.pairing import (
    Pairing,
    check_pairing,
)
from netbench.topology import LeftOver, Pair
from tests.unit.workers import make_worker, make_workers

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
