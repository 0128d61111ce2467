"""Statuses that wait to be written: a worker's word costs the API server a write, so what passes by is not said."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import anyio

from netbench.messages import Phase

if TYPE_CHECKING:
    from netbench.messages import PairKey, PairStatus

__all__ = ("Outbox",)

#: In these phases a pair usually is for an instant only; one that stays this long in it is worth a write. Where many
#: pairs are under way at once, all are slow when the API server is, and their writes would make it slower.
_PASSING = frozenset({Phase.ARMING, Phase.GATHERING})
_PASSING_S, _PASSING_OF_MANY_S = 5.0, 30.0


class Outbox:
    """Keeps the newest status of each pair until it is due.

    That a pair is armed, done or has failed is due at once. That it arms or gathers is due when it goes on for a while.
    That it runs is never due: the start instant says so, and a call to the API server would disturb the traffic.
    """

    def __init__(self) -> None:
        self._waiting: dict[PairKey, tuple[float, PairStatus]] = {}
        self._changed = anyio.Event()

    def put(self, status: PairStatus, *, of_many: bool = False) -> None:
        """Take a status; it overtakes the pair's last one if that still waits.

        Args:
            status: The status.
            of_many: Whether the pair is one of many that are under way at once.
        """
        if status.phase is Phase.RUNNING:
            return
        passing_s = _PASSING_OF_MANY_S if of_many else _PASSING_S
        due_s = anyio.current_time() + (passing_s if status.phase in _PASSING else 0.0)
        self._waiting[status.key] = (due_s, status)
        self._changed.set()

    def drop(self, pair: PairKey) -> None:
        """Forget what waits of a pair: its newest status goes another way."""
        self._waiting.pop(pair, None)

    async def take(self) -> list[PairStatus]:
        """Wait until a status is due, and give all that wait: the others go along in the same write."""
        while True:
            due_s = min((due_s for due_s, _ in self._waiting.values()), default=math.inf)
            if due_s <= anyio.current_time():
                waiting, self._waiting = self._waiting, {}
                return [status for _, status in waiting.values()]
            self._changed = anyio.Event()
            with anyio.CancelScope(deadline=due_s):
                await self._changed.wait()
