"""What a strategy is, what it gives, and what several of them share."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from netbench import validation as v
from netbench.errors import PairingError
from netbench.topology import LeftOver, Pair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from netbench.topology import Worker

__all__ = ("Pairing", "PairingStrategy", "by_name", "grouped", "left_over", "number_of", "require_two")

#: More names than this in one message help nobody.
_NAMES_SHOWN = 8


def _rounds(rounds: Iterable[Iterable[Pair]]) -> tuple[tuple[Pair, ...], ...]:
    return tuple(tuple(pairs) for pairs in rounds)


def _left_over(workers: Iterable[LeftOver]) -> tuple[LeftOver, ...]:
    return tuple(workers)


def _only_pairs(instance: object, attribute: attrs.Attribute[Any], value: tuple[tuple[object, ...], ...]) -> None:
    for pairs in value:
        for pair in pairs:
            if not isinstance(pair, Pair):
                raise v.fail(instance, attribute.name, pair, "rounds of Pair(client, server)")


def _only_left_over(instance: object, attribute: attrs.Attribute[Any], value: tuple[object, ...]) -> None:
    for worker in value:
        if not isinstance(worker, LeftOver):
            raise v.fail(instance, attribute.name, worker, "a sequence of LeftOver(worker=, reason=)")


@attrs.frozen(kw_only=True)
class Pairing:
    """What a strategy makes of the workers.

    Attributes:
        rounds: The pairs that send at the same time, round after round.
        left_over: The workers that are in no pair, and why.

    Raises:
        InvalidArgumentError: Something else than pairs or left-over workers was given.
    """

    rounds: tuple[tuple[Pair, ...], ...] = attrs.field(converter=_rounds, validator=_only_pairs)
    left_over: tuple[LeftOver, ...] = attrs.field(default=(), converter=_left_over, validator=_only_left_over)


class PairingStrategy(Protocol):
    """Turns workers into rounds of pairs; a pure function, for users to implement too.

    A measurement checks what comes back with :func:`netbench.pairing.check_pairing`, so a strategy of your own need not
    look for its own mistakes.
    """

    def pair(self, workers: Sequence[Worker]) -> Pairing:
        """Pair these workers.

        Args:
            workers: All workers of the fleet, in the fleet's order.

        Raises:
            PairingError: No pair can be made of them; the message says why and what would help.
        """
        ...


def require_two(workers: Sequence[Worker], strategy: str) -> None:
    """Refuse to pair fewer than two workers.

    Raises:
        PairingError: There are fewer.
    """
    if len(workers) < 2:  # noqa: PLR2004 - a pair
        have = "none" if not workers else f"only {workers[0].name} on {workers[0].node}"
        msg = (
            f"{strategy} needs at least two workers and the fleet has {have}: "
            "use WorkerFleet(cluster, workers=2) or more"
        )
        raise PairingError(msg)


def by_name(workers: Sequence[Worker], name: str, where: str) -> Worker:
    """Find a worker by its name.

    Args:
        workers: The fleet's workers.
        name: The name that was given.
        where: Where it was given, as a caller would write it.

    Raises:
        PairingError: No worker has this name; the message tells similar ones.
    """
    for worker in workers:
        if worker.name == name:
            return worker
    names = [worker.name for worker in workers]
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    shown = ", ".join(names[:_NAMES_SHOWN]) or "no workers"
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    msg = f"{where} names the worker {name!r}, which the fleet does not have: {hint}It has {shown}{more}"
    raise PairingError(msg)


def grouped(workers: Iterable[Worker], key: Callable[[Worker], str]) -> dict[str, list[Worker]]:
    """Group workers by their node or zone; groups and members stay in the order of the workers."""
    groups: dict[str, list[Worker]] = {}
    for worker in workers:
        groups.setdefault(key(worker), []).append(worker)
    return groups


def left_over(
    workers: Sequence[Worker], paired: Iterable[Pair], reason: Callable[[Worker], str]
) -> tuple[LeftOver, ...]:
    """Name the workers that are in none of these pairs, in their order, each with its reason."""
    busy = {worker.name for pair in paired for worker in (pair.client, pair.server)}
    return tuple(LeftOver(worker=worker, reason=reason(worker)) for worker in workers if worker.name not in busy)


def number_of(count: int, noun: str) -> str:
    """Write a number with its noun: ``1 worker``, ``2 workers``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
