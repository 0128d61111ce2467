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
from netbench.kube.control import roll_status

if TYPE_CHECKING:
    from netbench.kube.api import KubeApi
    from netbench.kube.names import FleetNames

__all__ = ("RollCall",)

#: What is heard within this time goes into one write.
_GATHER_S = 0.2
#: Rounds that are under way at once are few; the rolls of those that have ended need not be kept.
_ROLLS_MAX = 16
_FOREVER = float("inf")


class RollCall:
    """Takes other workers' word that their pairs are armed, and writes it into the round's roll.

    Args:
        api: The API server.
        names: The fleet's names.
    """

    def __init__(self, api: KubeApi, names: FleetNames) -> None:
        self._api = api
        self._names = names
        self._armed: dict[str, dict[str, int]] = {}
        self._unwritten: set[str] = set()
        self._noted = anyio.Event()

    def note(self, roll: str, pair_id: str, now_ns: int) -> None:
        """Take a worker's word.

        Args:
            roll: The name of the round's roll.
            pair_id: The pair that is armed.
            now_ns: Unix time of the time base.
        """
        self._armed.setdefault(roll, {})[pair_id] = now_ns
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
            patch = {"status": roll_status(self._armed[roll])}
            await self._api.call("PATCH", f"{self._names.requests}/{roll}/status", patch, patience_s=_FOREVER)
        except ApiError as error:
            # Whoever removed the roll does not wait for it.
            if error.status != HTTPStatus.NOT_FOUND:
                print(f"the roll {roll} could not be written: {error}", file=sys.stderr)  # noqa: T201 - this pod's log
