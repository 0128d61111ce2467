"""The pairs that a worker is asked for and that have not ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from netbench.kube.control import read_requests
from netbench.kube.roll import roll_number

if TYPE_CHECKING:
    from netbench.kube.api import JsonObject
    from netbench.messages import PairKey, PairRequest

__all__ = ("Asked", "UnderWay")

#: A worker has one object in each round; an API server that lags behind may tell of the last few again.
_REMEMBERED = 16


@attrs.frozen(kw_only=True)
class Asked:
    """Where a pair was asked for.

    Attributes:
        object_name: The object that asks for it, and takes its statuses.
        called: Its round and its number in the round's roll, where the time base is to hear that it is armed; None in a
            round of few pairs, which has no roll.
    """

    object_name: str
    called: tuple[int, int] | None


class UnderWay:
    """Takes each pair of this worker once from the objects that are told, some of them often, and knows it by its end.

    Args:
        fleet: The fleet's name.
        pod: This worker's.
    """

    def __init__(self, fleet: str, pod: str) -> None:
        self._fleet = fleet
        self._pod = pod
        self._asked: dict[PairKey, Asked] = {}
        #: The identities of the objects that were taken, in their order.
        self._taken: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self._asked)

    def take(self, value: JsonObject) -> list[PairRequest]:
        """Give the pairs of a request object that are this worker's and new.

        Raises:
            ProtocolError: It cannot be understood.
        """
        name, uid = value["metadata"]["name"], value["metadata"]["uid"]
        if uid in self._taken:
            return []
        first = roll_number(value)
        mine = [
            (place, request)
            for place, request in enumerate(read_requests(value, self._fleet))
            if request.client == self._pod and request.key not in self._asked
        ]
        # Others' objects are told too where all of a group are followed; those are not to push out this worker's own.
        if not mine:
            return []
        self._taken[uid] = None
        if len(self._taken) > _REMEMBERED:
            del self._taken[next(iter(self._taken))]
        # Whoever made another object of this name waits for none of the pairs of the one before.
        self._asked = {key: asked for key, asked in self._asked.items() if asked.object_name != name}
        for place, request in mine:
            called = None if first is None else (request.round_index, first + place)
            self._asked[request.key] = Asked(object_name=name, called=called)
        return [request for _, request in mine]

    def get(self, key: PairKey) -> Asked | None:
        """Give where a pair was asked for; None where nobody waits for it any more."""
        return self._asked.get(key)

    def end(self, key: PairKey) -> None:
        """Take it that a pair has ended."""
        self._asked.pop(key, None)
