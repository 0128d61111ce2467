"""Strategies that turn workers into rounds of pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

from netbench.topology import LeftOver, Pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netbench.topology import Worker

__all__ = ("Pairing", "PairingStrategy")


@attrs.frozen(kw_only=True)
class Pairing:
    """What a strategy makes of the workers.

    Attributes:
        rounds: The pairs that send at the same time, round after round.
        left_over: The workers that are in no pair, and why.
    """

    rounds: tuple[tuple[Pair, ...], ...]
    left_over: tuple[LeftOver, ...] = ()


class PairingStrategy(Protocol):
    """Turns workers into rounds of pairs; a pure function, for users to implement too."""

    def pair(self, workers: Sequence[Worker]) -> Pairing:
        """Pair these workers.

        Raises:
            PairingError: No pair can be made of them; the message says why and what would help.
        """
        ...
