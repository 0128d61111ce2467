"""What every strategy of ours keeps, for any placement of workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from netbench.errors import PairingError
from netbench.pairing import (
    CrossNode,
    CrossZone,
    ManyToOne,
    NodeMatrix,
    OneToMany,
    PairingStrategy,
    RandomPairs,
    SameNode,
    check_pairing,
)
from tests.unit.pairing.fleets import (
    appearances,
    names,
    pair_or_discard,
    strategies,
    zoned_fleets,
)
from tests.unit.workers import make_workers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netbench.topology import Worker


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
