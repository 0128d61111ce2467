"""Fleets of any placement, and what pairings are asked for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from netbench.errors import PairingError
from netbench.pairing import (
    CrossNode,
    CrossZone,
    ManyToOne,
    NodeMatrix,
    OneToMany,
    Pairing,
    PairingStrategy,
    RandomPairs,
    SameNode,
)
from tests.unit.workers import make_workers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netbench.topology import Pair, Worker

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
