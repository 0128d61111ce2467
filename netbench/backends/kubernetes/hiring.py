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
    from collections.abc import Iterator, Sequence

    from netbench.backends.kubernetes.groups import Hire
    from netbench.backends.kubernetes.objects import FleetObjects
    from netbench.backends.kubernetes.placing import Arrivals
    from netbench.kube.api import KubeApi

__all__ = ("create_pods",)

#: Each takes a connection, whose buffers are 0.4 MiB of the controller's memory.
_AT_ONCE = 8


async def create_pods(api: KubeApi, objects: FleetObjects, hired: Sequence[Hire], arrivals: Arrivals) -> None:
    """Create all pods of a fleet: first those of relays, and the others each when its relay is ready.

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
    waiting = iter(sorted(hired, key=_is_relayed))
    await together([partial(_create, api, objects, waiting, arrivals) for _ in range(_AT_ONCE)])


def _is_relayed(hire: Hire) -> bool:
    return hire.relay is not None and hire.relay != hire.name


async def _create(api: KubeApi, objects: FleetObjects, waiting: Iterator[Hire], arrivals: Arrivals) -> None:
    for hire in waiting:
        relay = None
        if hire.relay is not None and _is_relayed(hire):
            hello = await arrivals.ready(hire.relay)
            relay = f"{hello.address}:{hello.peer_port}"
        try:
            await api.create(objects.pods_path, objects.pod(hire, relay))
        except AccessDeniedError:
            raise
        except ApiError as error:
            msg = f"the API server refuses to create pods: {error}"
            raise PlacementError(msg, worker=hire.name) from error
