"""A pair without a result, and why."""

from __future__ import annotations

import attrs

from netbench import validation as v
from netbench.messages import Failure
from netbench.topology import Pair

__all__ = ("PairFailure", "describe_pair")


@attrs.frozen(kw_only=True)
class PairFailure:
    """A pair without a result, and why.

    Attributes:
        round_index: The round it was to send in, from 0.
        pair: The pair.
        failure: The phase, the kind and the words.
    """

    round_index: int = attrs.field(validator=v.integer(at_least=0))
    pair: Pair
    failure: Failure

    def __str__(self) -> str:
        """Name pair, nodes, phase and reason in one line."""
        failure = self.failure
        return f"{describe_pair(self.pair)}: {failure.reason} in phase {failure.phase.value}: {failure.message}"


def describe_pair(pair: Pair) -> str:
    """Name both workers with their nodes."""
    return f"{pair.client.name} on {pair.client.node} -> {pair.server.name} on {pair.server.node}"
