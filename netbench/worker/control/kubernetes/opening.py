"""The control of a worker in a pod, made from what its command line says."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from netbench.errors import BackendError
from netbench.kube.api import KubeApi
from netbench.kube.names import FleetNames
from netbench.worker.control.kubernetes.control import KubernetesControl
from netbench.worker.control.kubernetes.transport import PodTransport, in_cluster_server

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from netbench.worker.timing import WorkerClock

__all__ = ("open_pod_control",)


@asynccontextmanager
async def open_pod_control(
    fleet: str, account: Path, pod: str, clock: WorkerClock, *, lease_s: float
) -> AsyncGenerator[KubernetesControl, None]:
    """Open the control of the worker in this pod.

    Args:
        fleet: Its fleet, as ``namespace/name``.
        account: The directory with the fleet's ``key``, and the ``ca.crt`` and ``token`` of the account.
        pod: The worker's name, its pod's.
        clock: Its clock.
        lease_s: How long the fleet's Lease lasts without a sign of life.

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
    async with (
        PodTransport(in_cluster_server(), account) as transport,
        KubernetesControl(KubeApi(transport, sure_of_rights=True), names, pod, key, clock, lease_s=lease_s) as control,
    ):
        yield control
