"""What is between a worker's control and the objects of the API server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from netbench.errors import ApiError, BackendError
from netbench.kube.control import LEASE_DURATION_S, write_hellos
from netbench.kube.names import HELLO_ANNOTATION, RELAY_LABEL, ROLE_LABEL
from netbench.kube.transport import METADATA
from netbench.kube.watching import follow
from netbench.tasks import background_tasks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netbench.kube.api import JsonObject, KubeApi
    from netbench.kube.names import FleetNames
    from netbench.kube.watching import Change
    from netbench.messages import WorkerHello

__all__ = ("ApiLink", "Link", "Listener")

_FOREVER = float("inf")


class Listener(Protocol):
    """Is told by a link what the API server tells."""

    @property
    def is_busy(self) -> bool:
        """Whether a pair is under way, which must not miss anything."""
        ...

    def take_lease(self, change: Change) -> None:
        """Take a change of the fleet's Lease."""
        ...

    def take_request(self, change: Change) -> None:
        """Take a change of a request."""
        ...


class Link(Protocol):
    """Brings a worker what the API server tells of its fleet, and takes what the worker has to write there."""

    async def announce(self, hello: WorkerHello) -> None:
        """Say who is here and ready.

        Raises:
            BackendError: The API server refuses it, or is away for too long.
        """
        ...

    async def follow(self, listener: Listener) -> None:
        """Tell every change of the fleet's Lease and of this worker's requests until cancelled.

        Raises:
            BackendError: The API server refuses this worker.
        """
        ...

    async def write_status(self, name: str, status: JsonObject) -> None:
        """Merge a status into that of a request, however long it takes.

        Args:
            name: The request's.
            status: What is merged.

        Raises:
            ApiError: The API server refuses it, or there is no such request.
        """
        ...


class ApiLink:
    """Implements :class:`Link` by calls to the API server.

    Args:
        api: The API server.
        names: The fleet's names.
        pod: This worker's name, its pod's.
        group: The relay of this worker's group, all of whose requests are followed then: they are in objects that
            several clients have in common. Otherwise only this worker's own, which has its name.
    """

    def __init__(self, api: KubeApi, names: FleetNames, pod: str, *, group: str = "") -> None:
        self._api = api
        self._names = names
        self._pod = pod
        self._mine = {"labelSelector": f"{RELAY_LABEL}={group}"} if group else _named(pod)

    async def announce(self, hello: WorkerHello) -> None:
        """Say who is here and ready: in a Lease of this worker's own, which it may create and nothing more."""
        try:
            await self.write_hellos(self._pod, [hello])
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            # A first attempt whose answer was lost may have made it: it has this worker's port and process then.
            there = await self._api.call("GET", f"{self._names.leases}/{self._pod}")
            if (there["metadata"].get("annotations") or {}).get(HELLO_ANNOTATION) != write_hellos([hello]):
                msg = f"worker {self._pod} was here before: its container has restarted, and its runs are lost"
                raise BackendError(msg) from error

    async def write_hellos(self, name: str, hellos: Iterable[WorkerHello]) -> None:
        """Write what workers say of themselves into a Lease of this name.

        Raises:
            BackendError: The API server refuses it, or is away for too long.
        """
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": name,
                "labels": {**self._names.labels, ROLE_LABEL: "worker"},
                "annotations": {HELLO_ANNOTATION: write_hellos(hellos)},
            },
            "spec": {"holderIdentity": self._pod, "acquireTime": now, "renewTime": now},
        }
        await self._api.call("POST", self._names.leases, lease, accept=METADATA, patience_s=LEASE_DURATION_S)

    async def follow(self, listener: Listener) -> None:
        """Tell every change of the fleet's Lease and of the requests until cancelled.

        Raises:
            BackendError: The API server refuses this worker.
        """
        async with background_tasks() as group:
            group.start_soon(self._follow_requests, listener)
            await self._follow_lease(listener)

    async def write_status(self, name: str, status: JsonObject) -> None:
        """Merge a status into that of a request, however long it takes.

        Raises:
            ApiError: The API server refuses it, or there is no such request.
        """
        path = f"{self._names.requests}/{name}/status"
        await self._api.call("PATCH", path, {"status": status}, accept=METADATA, patience_s=_FOREVER)

    async def _follow_lease(self, listener: Listener) -> None:
        await follow(
            self._api,
            self._names.leases,
            listener.take_lease,
            params=_named(self._names.base),
            # A watch that hangs must be found out before the Lease runs out.
            idle_timeout_s=LEASE_DURATION_S / 2,
            patience_s=_FOREVER,
            lists=False,
        )

    async def _follow_requests(self, listener: Listener) -> None:
        # ClusterLoader2 deletes the definition each time it gathers: a worker outlives that.
        await follow(
            self._api,
            self._names.requests,
            listener.take_request,
            params=self._mine,
            patience_s=_FOREVER,
            may_be_absent=True,
            lists=False,
        )


def _named(name: str) -> dict[str, str]:
    return {"fieldSelector": f"metadata.name={name}"}
