"""How many client workers may arm at once.

Each asks the time base for its clock, and thousands that ask at once would not be answered in time.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from netbench.messages import Phase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from netbench.messages import PairKey, PairStatus

__all__ = ("ARMING_CLIENTS", "Arming")

#: So many client workers of a round arm at once; one time base answers some hundred in a second.
ARMING_CLIENTS = 48
#: Whoever takes longer than this, because its server hangs, say, does not keep others from arming.
_PATIENCE_S = 5.0


class Arming:
    """Knows which pairs are being armed, so that the next ones can wait for them."""

    def __init__(self) -> None:
        self._waiting: dict[PairKey, anyio.Event] = {}

    @asynccontextmanager
    async def of(self, run_id: str, pair_ids: Iterable[str]) -> AsyncIterator[None]:
        """Ask for these pairs in the block; wait after it until they are armed or have failed, or for a while."""
        waited = {(run_id, pair_id): anyio.Event() for pair_id in pair_ids}
        self._waiting.update(waited)
        try:
            yield
            with anyio.move_on_after(_PATIENCE_S):
                for event in waited.values():
                    await event.wait()
        finally:
            for key in waited:
                self._waiting.pop(key, None)

    def take(self, status: PairStatus) -> None:
        """Take a pair's status."""
        event = self._waiting.get(status.key)
        if event is not None and status.phase not in {Phase.PENDING, Phase.ARMING}:
            event.set()

    def give_up(self, run_id: str) -> None:
        """Wait for no pair of this run any more."""
        for (run, _), event in self._waiting.items():
            if run == run_id:
                event.set()
