"""What a run tells while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs

if TYPE_CHECKING:
    from netbench.messages import Phase
    from netbench.result import PairFailure, PairResult, Result
    from netbench.topology import Pair

__all__ = (
    "PairDone",
    "PairFailed",
    "PairProgressed",
    "RoundFired",
    "RoundStarted",
    "RunEnded",
    "RunEvent",
    "progress_line",
)


@attrs.frozen(kw_only=True)
class RoundStarted:
    """A round's requests are on their way.

    Attributes:
        round_index: The round, from 0.
        rounds: How many there are.
        pairs: Its pairs.
    """

    round_index: int
    rounds: int
    pairs: tuple[Pair, ...]


@attrs.frozen(kw_only=True)
class PairProgressed:
    """A pair reached another phase.

    Attributes:
        round_index: The round.
        pair: The pair.
        phase: ``Arming``, ``Armed``, ``Running`` or ``Gathering``.
    """

    round_index: int
    pair: Pair
    phase: Phase


@attrs.frozen(kw_only=True)
class RoundFired:
    """The start instant was published.

    Attributes:
        round_index: The round.
        armed: Pairs that will start.
        starts_in_s: Seconds until the instant.
        lasts_s: Seconds of traffic from then on, warm-up included.
    """

    round_index: int
    armed: int
    starts_in_s: float
    lasts_s: float


@attrs.frozen(kw_only=True)
class PairDone:
    """A pair's result arrived."""

    result: PairResult


@attrs.frozen(kw_only=True)
class PairFailed:
    """A pair failed, and why."""

    failure: PairFailure


@attrs.frozen(kw_only=True)
class RunEnded:
    """Nothing follows."""

    result: Result


RunEvent: TypeAlias = RoundStarted | PairProgressed | RoundFired | PairDone | PairFailed | RunEnded


def progress_line(event: RunEvent) -> str | None:
    """Say an event in a line; None for those that come once for each pair and say nothing bad."""
    match event:
        case RoundStarted(round_index=index, rounds=rounds, pairs=pairs):
            return f"round {index + 1} of {rounds}: arming {len(pairs)} pair(s)"
        case RoundFired(armed=armed, lasts_s=lasts_s):
            return f"{armed} pair(s) armed, sending for {lasts_s:g} s"
        case PairFailed(failure=failure):
            return f"failed: {failure}"
        case RunEnded(result=result):
            return f"ended; the result is {result.verdict}"
        case _:
            return None
