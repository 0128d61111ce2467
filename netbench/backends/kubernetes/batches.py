"""Which requests go into one object of the API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from netbench.messages import PairRequest

__all__ = ("Batch", "batches")

#: An object takes the API server about as long with so many pairs as with one. With more, what they report would make
#: it large: an update holds it several times.
_PAIRS_MAX = 16
#: What a pair reports grows with its intervals, of each of its streams. From so many on each client has its own object.
_INTERVALS_MAX = 2000


@attrs.frozen(kw_only=True)
class Batch:
    """The requests of one object.

    Attributes:
        name: The object's.
        relay: The worker through which the clients reach the API server; None for one that does so itself.
        requests: The pairs, those of a client together.
    """

    name: str
    relay: str | None
    requests: tuple[PairRequest, ...]

    @property
    def clients(self) -> dict[str, str]:
        """The client of each pair."""
        return {request.pair_id: request.client for request in self.requests}


def batches(clients: Iterable[Sequence[PairRequest]], relays: Mapping[str, str | None]) -> list[Batch]:
    """Give a round's requests as objects: one for each client that speaks for itself, and some for those of a relay.

    Args:
        clients: The requests of each client.
        relays: The worker through which each client reaches the API server.
    """
    alone: list[Batch] = []
    groups: dict[str, list[Sequence[PairRequest]]] = {}
    for own in clients:
        client = own[0].client
        relay = relays.get(client)
        if relay is None:
            alone.append(Batch(name=client, relay=None, requests=tuple(own)))
        else:
            groups.setdefault(relay, []).append(own)
    return [*alone, *(batch for relay, theirs in groups.items() for batch in _relayed(relay, theirs))]


def _relayed(relay: str, clients: Sequence[Sequence[PairRequest]]) -> Iterator[Batch]:
    first = clients[0][0]
    intervals = first.duration_s / first.interval_s * getattr(first.traffic, "streams", 1)
    limit = _PAIRS_MAX if intervals <= _INTERVALS_MAX else 1
    chunks: list[list[PairRequest]] = []
    for own in clients:
        if chunks and len(chunks[-1]) + len(own) <= limit:
            chunks[-1] += own
        else:
            chunks.append([*own])
    for number, requests in enumerate(chunks):
        yield Batch(name=f"{relay}-{first.run_id}-{number}", relay=relay, requests=tuple(requests))
