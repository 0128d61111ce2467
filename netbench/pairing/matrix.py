"""Every node with every other one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from netbench.errors import PairingError
from netbench.pairing.base import Pairing, grouped, left_over, require_two
from netbench.topology import Pair

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netbench.topology import Worker

__all__ = ("NodeMatrix",)


@attrs.frozen
class NodeMatrix:
    """Pair every node with every other one, in both directions, in rounds in which no node works twice.

    The rounds are those of a round-robin tournament (circle method), each followed by itself with clients and servers
    exchanged: 2 x (N - 1) rounds for an even number N of nodes, 2 x N for an odd one, where one node rests in each
    round. The first worker of each node stands for it; its others are left over.
    """

    def pair(self, workers: Sequence[Worker]) -> Pairing:
        """Pair the workers, in as many rounds as it takes.

        Raises:
            PairingError: There are fewer than two workers, or all are on one node.
        """
        require_two(workers, "NodeMatrix()")
        players = [members[0] for members in grouped(workers, lambda worker: worker.node).values()]
        if len(players) == 1:
            msg = (
                f"all {len(workers)} workers are on {workers[0].node} and NodeMatrix() needs workers on two nodes: "
                "give the cluster more nodes, or spread the workers"
            )
            raise PairingError(msg)
        rounds: list[tuple[Pair, ...]] = []
        for there in _tournament(players):
            rounds += [there, tuple(Pair(pair.server, pair.client) for pair in there)]
        chosen = {worker.node: worker.name for worker in players}
        return Pairing(
            rounds=rounds,
            left_over=left_over(
                workers,
                [pair for pairs in rounds for pair in pairs],
                lambda worker: f"{chosen[worker.node]} stands for {worker.node}: NodeMatrix() takes one worker of each",
            ),
        )


def _tournament(players: Sequence[Worker]) -> Iterator[tuple[Pair, ...]]:
    """Let every player meet every other one once: the first stays, the others move on by one seat after each round."""
    seats: list[Worker | None] = [*players]
    if len(seats) % 2:
        seats.append(None)
    half = len(seats) // 2
    for _ in range(len(seats) - 1):
        couples = zip(seats[:half], reversed(seats[half:]), strict=True)
        yield tuple(Pair(one, other) for one, other in couples if one is not None and other is not None)
        seats.insert(1, seats.pop())
