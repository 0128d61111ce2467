"""Asking for a fleet's pods: some at a time, and what a refusal means.

The pods have no owner. A Deployment would cost the API server two writes of statuses for each and, when they are
removed, two more calls for most of them, because the cluster's garbage collector asks for each and deletes it again.
And a worker that was lost could not be replaced anyway: its requests name it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from netbench.errors import AccessDeniedError, ApiError, PlacementError
from netbench.tasks import together

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netbench.backends.kubernetes.objects import FleetObjects, Place
    from netbench.kube.api import JsonObject, KubeApi

__all__ = ("create_pods",)

#: Each takes a connection, whose buffers are 0.4 MiB of the controller's memory.
_AT_ONCE = 8


async def create_pods(api: KubeApi, objects: FleetObjects, counts: Mapping[Place | None, int]) -> None:
    """Create all pods of a fleet.

    Args:
        api: The API server.
        objects: Makes them.
        counts: How many at each place, see :meth:`FleetObjects.pods`.

    Raises:
        PlacementError: The API server does not take such pods, or no more of them.
        AccessDeniedError: The right to create pods is missing.
        BackendError: The API server is away.
    """
    waiting = iter(objects.pods(counts))
    await together([partial(_create, api, objects.pods_path, waiting) for _ in range(_AT_ONCE)])


async def _create(api: KubeApi, path: str, waiting: Iterator[JsonObject]) -> None:
    for pod in waiting:
        try:
            await api.create(path, pod)
        except AccessDeniedError:
            raise
        except ApiError as error:
            msg = f"the API server refuses to create pods: {error}"
            raise PlacementError(msg, worker=pod["metadata"]["name"]) from error
