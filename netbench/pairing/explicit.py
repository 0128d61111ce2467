"""Pairs that the caller names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

import attrs

from netbench import validation as v
from netbench.errors import InvalidArgumentError
from netbench.pairing.base import Pairing, by_name, left_over
from netbench.topology import Pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netbench.topology import Worker

__all__ = ("ExplicitPairs",)

_Names: TypeAlias = "tuple[str, str]"
_PAIR_WORDS = 2


def _pairs(pairs: Iterable[Sequence[str]]) -> tuple[_Names, ...]:
    return tuple(_names(pair, "ExplicitPairs(pairs=)") for pair in _each(pairs, "ExplicitPairs(pairs=)"))


def _rounds(rounds: Iterable[Iterable[Sequence[str]]]) -> tuple[tuple[_Names, ...], ...]:
    where = "ExplicitPairs(rounds=)"
    return tuple(tuple(_names(pair, where) for pair in _each(pairs, where)) for pairs in _each(rounds, where))


def _each(values: Any, where: str) -> Iterable[Any]:  # noqa: ANN401 - from a caller, not checked yet
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        expected = "a list of (client, server) names, or for rounds= a list of such lists"
        raise InvalidArgumentError(where, values, expected)
    return cast("Iterable[Any]", values)


def _names(pair: Any, where: str) -> _Names:  # noqa: ANN401 - from a caller, not checked yet
    names = tuple(_each(pair, where))
    if len(names) != _PAIR_WORDS or not all(isinstance(name, str) and name for name in names):
        raise InvalidArgumentError(where, pair, "made of two names each, (client, server)")
    return cast("_Names", names)


def _no_mistake(instance: ExplicitPairs, attribute: attrs.Attribute[Any], value: object) -> None:  # noqa: ARG001 - attrs' form
    """Check what can be checked without the workers, when both arguments are there."""
    if bool(instance.pairs) == bool(instance.rounds):
        where = "ExplicitPairs(pairs=, rounds=)"
        given = (instance.pairs, instance.rounds)
        raise InvalidArgumentError(where, given, "one of the two, with at least one pair")
    for pairs in instance.in_rounds:
        name = "pairs" if instance.pairs else "rounds"
        if not pairs:
            raise v.fail(instance, name, pairs, "rounds of at least one pair")
        for pair in pairs:
            if pair[0] == pair[1]:
                raise v.fail(instance, name, pair, "made of two different workers")
            if pairs.count(pair) > 1:
                raise v.fail(instance, name, pair, "different pairs within a round; use streams= for more load")


@attrs.frozen
class ExplicitPairs:
    """Exactly these pairs. A worker may be in several pairs of a round, as client and as server.

    Attributes:
        pairs: ``(client, server)`` names of one round.
        rounds: The same for several rounds, in place of ``pairs``.

    Raises:
        InvalidArgumentError: Neither or both were given, or a pair is no pair of two different names.
    """

    pairs: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_pairs)
    rounds: tuple[tuple[tuple[str, str], ...], ...] = attrs.field(
        default=(), kw_only=True, converter=_rounds, validator=_no_mistake
    )

    @property
    def in_rounds(self) -> tuple[tuple[tuple[str, str], ...], ...]:
        """The pairs of each round, whichever way they were given."""
        return self.rounds or (self.pairs,)

    def pair(self, workers: Sequence[Worker]) -> Pairing:
        """Find the named workers.

        Raises:
            PairingError: A name is not that of a worker; the message tells similar ones.
        """
        where = "ExplicitPairs(pairs=)" if self.pairs else "ExplicitPairs(rounds=)"
        rounds = tuple(
            tuple(Pair(by_name(workers, client, where), by_name(workers, server, where)) for client, server in pairs)
            for pairs in self.in_rounds
        )
        paired = [pair for pairs in rounds for pair in pairs]
        return Pairing(rounds=rounds, left_over=left_over(workers, paired, lambda _: f"{where} does not name it"))
