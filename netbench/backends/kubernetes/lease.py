"""The controller's end of the fleet's Lease: its sign of life, and what it says to all workers at once."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio
import attrs

from netbench.errors import ApiError, BackendError
from netbench.kube.control import LEASE_DURATION_S, FleetControl
from netbench.kube.names import CONTROL_ANNOTATION

if TYPE_CHECKING:
    from collections.abc import Callable

    from netbench.backends.kubernetes.objects import FleetObjects
    from netbench.kube.api import KubeApi
    from netbench.kube.control import TimeBase
    from netbench.messages import ControlRecord

__all__ = ("FleetLease", "micro_time")

#: Every worker hears of each renewal, in a large fleet from its relay. One that fails is tried again at once, for as
#: long as the Lease lasts.
_RENEW_EVERY_S = LEASE_DURATION_S / 3


def micro_time() -> str:
    """Give the time as Kubernetes' MicroTime."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class FleetLease:
    """Writes the Lease; one write at a time, each with the newest state.

    Args:
        api: The API server.
        objects: The fleet's objects.
    """

    def __init__(self, api: KubeApi, objects: FleetObjects) -> None:
        self._api = api
        self._objects = objects
        self._control = FleetControl()
        self._writing = anyio.Lock()
        #: When it was last written; None before it is there.
        self._written_s: float | None = None

    @property
    def time_base(self) -> TimeBase | None:
        """The worker whose clock is the time base."""
        return self._control.time_base

    async def create(self, workers: int) -> None:
        """Create it, the first of the fleet's objects: what comes later belongs to a live controller.

        Args:
            workers: How many there are to be.
        """
        holder = f"netbench on {platform.node()}, process {os.getpid()}"
        lease = self._objects.lease(self._control, micro_time(), holder, workers)
        self._written_s = anyio.current_time()
        await self._api.create(self._objects.names.leases, lease)

    async def renew(self, on_failure: Callable[[BackendError], None]) -> None:
        """Give signs of life until cancelled. Whatever else is written is one too, also before this call.

        Where there is no Lease yet it ends at once.

        Args:
            on_failure: Told when the Lease cannot be kept; the workers will stop by themselves.
        """
        while self._written_s is not None:
            await anyio.sleep_until(self._written_s + _RENEW_EVERY_S)
            try:
                await self._write(patience_s=LEASE_DURATION_S, only_if_due=True)
            except BackendError as error:
                gone = isinstance(error, ApiError) and error.status == HTTPStatus.NOT_FOUND
                on_failure(_removed(error) if gone else error)
                return

    async def name_time_base(self, time_base: TimeBase) -> None:
        """Tell the workers whose clock counts."""
        self._control = attrs.evolve(self._control, time_base=time_base)
        await self._write()

    async def publish(self, record: ControlRecord) -> None:
        """Fire or stop a round. A run's rounds follow each other, so its earlier ones are over and need not be said."""
        others = (each for each in self._control.records if each.run_id != record.run_id)
        self._control = attrs.evolve(self._control, records=(*others, record))
        await self._write()

    async def forget(self, run_id: str) -> None:
        """Leave a run's records out. It is not written at once: the next sign of life is soon enough."""
        kept = tuple(each for each in self._control.records if each.run_id != run_id)
        self._control = attrs.evolve(self._control, records=kept)

    async def _write(self, *, patience_s: float | None = None, only_if_due: bool = False) -> None:
        async with self._writing:
            if only_if_due and self._written_s is not None and anyio.current_time() < self._written_s + _RENEW_EVERY_S:
                return  # Something else was written meanwhile.
            # Built inside of the lock, so that what is written last is what was said last.
            patch = {
                "metadata": {"annotations": {CONTROL_ANNOTATION: self._control.to_text()}},
                "spec": {"renewTime": micro_time()},
            }
            path = f"{self._objects.names.leases}/{self._objects.names.base}"
            await self._api.call("PATCH", path, patch, patience_s=patience_s)
            self._written_s = anyio.current_time()


def _removed(error: BackendError) -> BackendError:
    made = BackendError("the fleet's Lease is gone: somebody has removed the fleet while it was in use")
    made.__cause__ = error
    return made
