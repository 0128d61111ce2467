"""Asking for a fleet's pods: some at a time, and what a refusal means.

The pods have no owner. A Deployment would cost the API server two writes of statuses for each and, when they are
removed, two more calls for most of them, because the cluster's garbage collector asks for each and deletes it again.
And a worker that was lost could not be replaced anyway: its requests name it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio

from netbench.errors import AccessDeniedError, ApiError, PlacementError
from netbench.tasks import together

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from netbench.backends.kubernetes.groups import Hire
    from netbench.backends.kubernetes.objects import FleetObjects
    from netbench.backends.kubernetes.placing import Arrivals
    from netbench.kube.api import KubeApi

__all__ = ("create_pods",)

#: Each takes a connection, whose buffers are 0.4 MiB of the controller's memory.
_AT_ONCE = 8
#: A pod whose image is there runs in two or three seconds, and later on nodes with many.
_RELAYS_WITHIN_S = 10.0


async def create_pods(api: KubeApi, objects: FleetObjects, hired: Sequence[Hire], arrivals: Arrivals) -> None:
    """Create all pods of a fleet: first those of relays, and the others each when its relay is ready.

    A relay that is not ready soon is not waited for: its node may have to pull the image, as the others' must.

    Args:
        api: The API server.
        objects: Makes them.
        hired: The fleet's workers.
        arrivals: Knows who is ready.

    Raises:
        PlacementError: The API server does not take such pods, or no more of them.
        AccessDeniedError: The right to create pods is missing.
        BackendError: The API server is away.
    """
    waiting = iter(sorted(hired, key=lambda hire: hire.relayed_by is not None))
    whereabouts = partial(_relay, arrivals, anyio.current_time() + _RELAYS_WITHIN_S)
    await together([partial(_create, api, objects, waiting, whereabouts) for _ in range(_AT_ONCE)])


async def _relay(arrivals: Arrivals, deadline_s: float, hire: Hire) -> str | None:
    """Give where a worker's relay is; None where it has none, or is to do without."""
    if hire.relayed_by is None:
        return None
    with anyio.CancelScope(deadline=deadline_s):
        hello = await arrivals.ready(hire.relayed_by)
        return f"{hello.address}:{hello.peer_port}"
    return None


async def _create(
    api: KubeApi,
    objects: FleetObjects,
    waiting: Iterator[Hire],
    whereabouts: Callable[[Hire], Awaitable[str | None]],
) -> None:
    for hire in waiting:
        relay = await whereabouts(hire)
        try:
            await api.create(objects.pods_path, objects.pod(hire, relay))
        except AccessDeniedError:
            raise
        except ApiError as error:
            msg = f"the API server refuses to create pods: {error}"
            raise PlacementError(msg, worker=hire.name) from error
