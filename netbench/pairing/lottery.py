"""Pairs drawn by lot, the same for the same seed."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import attrs

from netbench import validation as v
from netbench.pairing.base import Pairing, left_over, require_two
from netbench.topology import Pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netbench.topology import Worker

__all__ = ("RandomPairs",)


@attrs.frozen
class RandomPairs:
    """Pair the workers by lot, wherever they are, each worker in one pair.

    Every way to pair them and every choice of clients is equally likely. An odd worker is left over.

    Attributes:
        seed: The same seed gives the same pairs of the same workers in the same order.

    Raises:
        InvalidArgumentError: The seed is negative or no whole number.
    """

    seed: int = attrs.field(validator=v.integer(at_least=0))

    def pair(self, workers: Sequence[Worker]) -> Pairing:
        """Pair the workers, all in one round.

        Raises:
            PairingError: There are fewer than two workers.
        """
        require_two(workers, f"RandomPairs(seed={self.seed})")
        drawn = list(workers)
        Random(self.seed).shuffle(drawn)  # noqa: S311 - a lottery that can be repeated, no secret
        pairs = tuple(Pair(client, server) for client, server in zip(drawn[::2], drawn[1::2], strict=False))
        reason = f"the number of workers, {len(workers)}, is odd"
        return Pairing(rounds=(pairs,), left_over=left_over(workers, pairs, lambda _: reason))
