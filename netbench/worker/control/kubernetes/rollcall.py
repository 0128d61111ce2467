"""The roll call of a round with many pairs: the time base hears of all that are armed, and writes them down together.

Each client asks the time base for its clock in any case. That it also says there that its pair is armed saves the API
server a write for each pair.
"""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio

from netbench.errors import ApiError
from netbench.kube.roll import Roll

if TYPE_CHECKING:
    from netbench.worker.control.kubernetes.link import Link
    from netbench.worker.timing import WorkerClock

__all__ = ("RollCall",)

#: What is heard within this time goes into one write.
_GATHER_S = 0.2
#: Rounds that are under way at once are few; the rolls of those that have ended need not be kept.
_ROLLS_MAX = 16


class RollCall:
    """Takes other workers' word that their pairs are armed, and writes it into the round's roll.

    Args:
        link: What is between this worker and the API server.
        clock: This worker's clock.
    """

    def __init__(self, link: Link, clock: WorkerClock) -> None:
        self._link = link
        self._clock = clock
        self._armed: dict[str, int] = {}
        self._unwritten: set[str] = set()
        self._noted = anyio.Event()

    def note(self, roll: str, number: int) -> None:
        """Take a worker's word.

        Args:
            roll: The name of the round's roll.
            number: The pair that is armed, by its number in the round.
        """
        self._armed[roll] = self._armed.get(roll, 0) | 1 << number
        while len(self._armed) > _ROLLS_MAX:
            del self._armed[next(iter(self._armed))]
        self._unwritten.add(roll)
        self._noted.set()

    async def write(self) -> None:
        """Write what is noted, until cancelled."""
        while True:
            await self._noted.wait()
            await anyio.sleep(_GATHER_S)
            self._noted = anyio.Event()
            rolls, self._unwritten = self._unwritten & self._armed.keys(), set()
            for roll in rolls:
                await self._write(roll)

    async def _write(self, roll: str) -> None:
        try:
            status = Roll(armed=self._armed[roll], written_ns=self._clock.now_ns()).to_status()
            await self._link.write_status(roll, status)
        except ApiError as error:
            # Whoever removed the roll does not wait for it.
            if error.status != HTTPStatus.NOT_FOUND:
                print(f"the roll {roll} could not be written: {error}", file=sys.stderr)  # noqa: T201 - this pod's log
