"""What a measurement asks of any pairing, users' own strategies included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from netbench.errors import PairingError
from netbench.pairing.base import Pairing, left_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netbench.topology import LeftOver, Pair, Worker

__all__ = ("check_pairing",)


def check_pairing(pairing: object, workers: Sequence[Worker]) -> Pairing:
    """Refuse a pairing that cannot be measured, and complete one that forgot to mention a worker.

    Args:
        pairing: What a strategy gave.
        workers: The workers that the strategy was given.

    Returns:
        The pairing, with every worker that is in no pair among those left over.

    Raises:
        PairingError: It is no :class:`Pairing`; has no pair, or a round without one; pairs or leaves over a worker that
            the fleet does not have; leaves over one that is in a pair; pairs a worker with itself; has the same pair
            twice in a round.
    """
    if not isinstance(pairing, Pairing):
        msg = (
            f"a strategy's pair() must return a netbench.Pairing (and be no 'async def'), not {type(pairing).__name__}"
        )
        raise PairingError(msg)
    if not any(pairing.rounds):
        msg = "the strategy made no pair" + "".join(
            f"\n  {left.worker.name}: {left.reason}" for left in pairing.left_over
        )
        raise PairingError(msg)
    known = {worker.name: worker for worker in workers}
    for index, pairs in enumerate(pairing.rounds):
        _check_round(index, pairs, known)
    return attrs.evolve(pairing, left_over=_all_left_over(pairing, workers, known))


def _check_round(index: int, pairs: Sequence[Pair], known: dict[str, Worker]) -> None:
    where = f"round {index} of the strategy's pairing"
    if not pairs:
        msg = f"{where} has no pair: leave such rounds out"
        raise PairingError(msg)
    seen: set[tuple[str, str]] = set()
    for pair in pairs:
        for worker in (pair.client, pair.server):
            _check_known(worker, known, where)
        names = (pair.client.name, pair.server.name)
        if names[0] == names[1]:
            msg = f"{where} pairs {names[0]} with itself: client and server must be two workers"
            raise PairingError(msg)
        if names in seen:
            msg = f"{where} has {pair} twice: put one into another round, or give the traffic more streams"
            raise PairingError(msg)
        seen.add(names)


def _check_known(worker: Worker, known: dict[str, Worker], where: str) -> None:
    if known.get(worker.name) != worker:
        msg = f"{where} has {worker!r}, which the fleet does not have: use the workers that pair() is given, unchanged"
        raise PairingError(msg)


def _all_left_over(pairing: Pairing, workers: Sequence[Worker], known: dict[str, Worker]) -> list[LeftOver]:
    paired = [pair for pairs in pairing.rounds for pair in pairs]
    unpaired = {left.worker.name: left for left in left_over(workers, paired, lambda _: "the strategy did not pair it")}
    for left in pairing.left_over:
        _check_known(left.worker, known, "left_over of the strategy's pairing")
        if left.worker.name not in unpaired:
            msg = f"the strategy's pairing names {left.worker.name} as left over, and has it in a pair"
            raise PairingError(msg)
        unpaired[left.worker.name] = left
    return list(unpaired.values())
