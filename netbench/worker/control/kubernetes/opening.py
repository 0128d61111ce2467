"""The control of a worker in a pod, made from what its command line says."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import anyio
import attrs

from netbench.errors import BackendError
from netbench.kube.api import KubeApi
from netbench.kube.names import FleetNames
from netbench.worker.control.kubernetes.control import KubernetesControl
from netbench.worker.control.kubernetes.link import ApiLink
from netbench.worker.control.kubernetes.relay import Relay
from netbench.worker.control.kubernetes.relayed import RelayedLink

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from netbench.worker.timing import WorkerClock

    OpenApi: TypeAlias = Callable[[], AbstractAsyncContextManager[KubeApi]]

__all__ = ("Way", "open_kubernetes_control", "open_pod_control")


@attrs.frozen(kw_only=True)
class Way:
    """How a worker reaches the API server: by itself unless told.

    Attributes:
        group: In a large fleet the name of its group's relay, which is the worker through which the others do; empty
            in a small one.
        relay: The relay's address and peer port; None for the relay itself, and where it was not there in time.
    """

    group: str = ""
    relay: tuple[str, int] | None = None

    @classmethod
    def of(cls, group: str, relay: str) -> Way:
        """Read it from a command line, where the relay is ``HOST:PORT``, or empty."""
        host, _, port = relay.rpartition(":")
        return cls(group=group, relay=(host, int(port)) if relay else None)


@asynccontextmanager
async def open_pod_control(
    fleet: str, account: Path, pod: str, clock: WorkerClock, way: Way
) -> AsyncGenerator[KubernetesControl, None]:
    """Open the control of the worker in this pod.

    Args:
        fleet: Its fleet, as ``namespace/name``.
        account: The directory with the fleet's ``key``, and the ``ca.crt`` and ``token`` of the account.
        pod: The worker's name, its pod's.
        clock: Its clock.
        way: How it reaches the API server.

    Raises:
        BackendError: This is no pod of a fleet, or the API server refuses it.
    """
    namespace, _, name = fleet.partition("/")
    names = FleetNames(namespace, name)
    try:
        key = await anyio.Path(account / "key").read_bytes()
    except OSError as error:
        msg = f"this is no pod of a worker fleet: {error}"
        raise BackendError(msg) from error
    async with open_kubernetes_control(names, pod, key, clock, way, partial(_open_api, account)) as control:
        yield control


@asynccontextmanager
async def open_kubernetes_control(
    names: FleetNames, pod: str, key: bytes, clock: WorkerClock, way: Way, open_api: OpenApi
) -> AsyncGenerator[KubernetesControl, None]:
    """Open a worker's control.

    Args:
        names: The fleet's names.
        pod: The worker's name, its pod's.
        key: The fleet's key.
        clock: Its clock.
        way: How it reaches the API server.
        open_api: Opens a client of the API server; called when it is needed.

    Raises:
        BackendError: The API server refuses it.
    """
    if way.relay is not None:
        link = RelayedLink(way.relay, pod, key, partial(_open_link, names, pod, way.group, open_api))
        async with KubernetesControl(link, names, pod, key, clock) as control:
            yield control
        return
    async with open_api() as api:
        direct = ApiLink(api, names, pod, group=way.group)
        relay = Relay(direct, pod) if way.group == pod else None
        async with KubernetesControl(relay or direct, names, pod, key, clock, relay=relay) as control:
            yield control


@asynccontextmanager
async def _open_link(names: FleetNames, pod: str, group: str, open_api: OpenApi) -> AsyncGenerator[ApiLink, None]:
    async with open_api() as api:
        yield ApiLink(api, names, pod, group=group)


@asynccontextmanager
async def _open_api(account: Path) -> AsyncGenerator[KubeApi, None]:
    # Most workers of a large fleet do without an HTTP client.
    from netbench.worker.control.kubernetes.transport import (  # noqa: PLC0415 - see above
        PodTransport,
        in_cluster_server,
    )

    async with PodTransport(in_cluster_server(), account) as transport:
        yield KubeApi(transport, sure_of_rights=True)
