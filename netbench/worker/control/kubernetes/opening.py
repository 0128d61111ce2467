"""What a worker in a pod is told by its environment, and its control made from that."""

from __future__ import annotations

import os
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

    from netbench.worker.timing import WorkerClock

__all__ = ("open_pod_control",)


@asynccontextmanager
async def open_pod_control(pod: str, clock: WorkerClock) -> AsyncGenerator[KubernetesControl, None]:
    """Open the control of the worker in this pod.

    Raises:
        BackendError: This is no pod of a fleet, or the API server refuses it.
    """
    try:
        names = FleetNames(os.environ["NETBENCH_NAMESPACE"], os.environ["NETBENCH_FLEET"])
        key = await anyio.Path(os.environ["NETBENCH_KEY"]).read_bytes()
    except (KeyError, OSError) as error:
        msg = f"this is no pod of a worker fleet: {error}"
        raise BackendError(msg) from error
    async with (
        PodTransport(in_cluster_server()) as transport,
        KubernetesControl(KubeApi(transport, sure_of_rights=True), names, pod, key, clock) as control,
    ):
        yield control
