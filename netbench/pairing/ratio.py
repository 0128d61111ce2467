"""Any number of clients with any number of servers."""

from __future__ import annotations

from itertools import chain, zip_longest
from typing import TYPE_CHECKING

import attrs

from netbench import validation as v
from netbench.errors import PairingError
from netbench.pairing.base import Pairing, grouped, left_over
from netbench.topology import Pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netbench.topology import Worker

__all__ = ("Ratio",)


@attrs.frozen
class Ratio:
    """So many clients with so many servers, at the same time: N:1, 1:N and N:M.

    There are as many pairs as the larger of the two numbers. The members of the smaller side are on as many nodes as
    can be and have equally many pairs, give or take one; partners on different nodes are preferred, and taken from the
    same node where there are no others.

    Attributes:
        clients: How many workers are clients.
        servers: How many workers are servers.

    Raises:
        InvalidArgumentError: A number is no whole number above 0.
    """

    clients: int = attrs.field(validator=v.integer(at_least=1))
    servers: int = attrs.field(validator=v.integer(at_least=1))

    def pair(self, workers: Sequence[Worker]) -> Pairing:
        """Pair the workers, all in one round.

        Raises:
            PairingError: There are fewer workers than clients and servers.
        """
        needed = self.clients + self.servers
        if len(workers) < needed:
            msg = (
                f"Ratio(clients={self.clients}, servers={self.servers}) needs {needed} workers and the fleet has "
                f"{len(workers)}: use WorkerFleet(cluster, workers={needed})"
            )
            raise PairingError(msg)
        used = list(workers[:needed])
        few = _spread(used, min(self.clients, self.servers))
        many = [worker for worker in used if worker not in few]
        couples = _dealt(few, many)
        swap = self.clients < self.servers
        pairs = tuple(Pair(one, other) if swap else Pair(other, one) for one, other in couples)
        return Pairing(rounds=(pairs,), left_over=left_over(workers, pairs, lambda _: f"{needed} workers are enough"))


def _spread(workers: Sequence[Worker], count: int) -> list[Worker]:
    """Take so many workers from the nodes in turn."""
    turns = zip_longest(*grouped(workers, lambda worker: worker.node).values())
    return [worker for worker in chain.from_iterable(turns) if worker is not None][:count]


def _dealt(few: Sequence[Worker], many: Sequence[Worker]) -> list[tuple[Worker, Worker]]:
    """Give each of the many one of the few, another node's where there is one with room."""
    room = {worker.name: -(-len(many) // len(few)) for worker in few}
    couples = []
    for worker in many:
        open_ones = [each for each in few if room[each.name]]
        chosen = max(open_ones, key=lambda each: (each.node != worker.node, room[each.name]))
        room[chosen.name] -= 1
        couples.append((chosen, worker))
    return couples
