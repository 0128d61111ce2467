"""The workers of one experiment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

from anyio import AsyncContextManagerMixin

from netbench.backends.base import FleetSpec, PodOptions
from netbench.cluster import Cluster
from netbench.errors import InvalidArgumentError, StateError
from netbench.tasks import background_tasks

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
    from typing import Self

    from anyio.abc import TaskGroup

    from netbench.backends.base import Crew
    from netbench.topology import Worker

__all__ = ("WorkerFleet",)

#: More than this many on one machine or in one call is a slip of the keyboard.
_WORKERS_MAX = 10_000


class WorkerFleet(AsyncContextManagerMixin):
    """The workers of one experiment, from placed and ready until removed; an async context manager.

    At most one of ``workers``, ``per_node`` and ``placement`` may be given; without any there is one worker on each
    node.

    Args:
        cluster: Where they live; it must be open when the fleet is opened.
        workers: This many, dealt to the nodes in turn; on Kubernetes by the scheduler, which is asked to spread them.
        per_node: This many on each node; on Kubernetes without the scheduler, unless it is asked for by ``affinity``,
            ``priority_class`` or a ``pod_patch`` of the ``spec``.
        placement: This many on each named node, likewise.
        ready_timeout_s: How long they may take to become ready; None is 30 s for processes and 180 s for pods.
        image: Image of the pods: any with Python 3.11 or newer as ``python3``. Unless told otherwise
            ``python:3.N-slim`` of the Python 3.N that runs this: workers of the same version are ready sooner, as they
            need not compile what they run. This and what follows is for :meth:`Cluster.connect` only.
        image_pull_policy: ``Always``, ``IfNotPresent`` or ``Never``.
        image_pull_secrets: Names of Secrets in the namespace.
        resources: ``{"cpu": ..., "memory": ...}``, both request and limit. Without it pods ask for little and have no
            limit, which would be measured instead of the network.
        node_selector: Labels that the nodes must have.
        tolerations: Tolerations, as in a pod.
        affinity: Affinity, as in a pod.
        host_network: Whether workers use their nodes' network. The restricted Pod Security level forbids it.
        priority_class: Name of a PriorityClass.
        labels: Further labels of the pods.
        annotations: Further annotations of the pods.
        pod_patch: Merged into the pod template at last: ``{"spec": {"containers": [{"name": "worker", ...}]}}``; lists
            with names are merged by name, None removes.
        progress: Called with how many workers are ready of how many, each time that changes.

    Raises:
        InvalidArgumentError: An argument is wrong.
    """

    def __init__(  # noqa: PLR0913 - what a pod has
        self,
        cluster: Cluster,
        workers: int | None = None,
        *,
        per_node: int | None = None,
        placement: Mapping[str, int] | None = None,
        ready_timeout_s: float | None = None,
        image: str | None = None,
        image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None,
        image_pull_secrets: Sequence[str] | None = None,
        resources: Mapping[str, str] | None = None,
        node_selector: Mapping[str, str] | None = None,
        tolerations: Sequence[Mapping[str, Any]] | None = None,
        affinity: Mapping[str, Any] | None = None,
        host_network: bool | None = None,
        priority_class: str | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        pod_patch: Mapping[str, Any] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        if not isinstance(cluster, Cluster):
            raise _wrong("cluster", cluster, "a Cluster")
        given = {"workers": workers, "per_node": per_node, "placement": placement}
        sizes = [name for name, value in given.items() if value is not None]
        if len(sizes) > 1:
            raise _wrong("=, ".join(sizes), tuple(given[name] for name in sizes), "given one at a time")
        _check_count("workers", workers)
        _check_count("per_node", per_node)
        if placement is not None:
            _check_placement(placement)
        if ready_timeout_s is not None:
            _check_seconds("ready_timeout_s", ready_timeout_s)
        asked: dict[str, Any] = {
            "image": image,
            "image_pull_policy": image_pull_policy,
            "image_pull_secrets": image_pull_secrets,
            "resources": resources,
            "node_selector": node_selector,
            "tolerations": tolerations,
            "affinity": affinity,
            "host_network": host_network,
            "priority_class": priority_class,
            "labels": labels,
            "annotations": annotations,
            "pod_patch": pod_patch,
        }
        pod = {name: value for name, value in asked.items() if value is not None}
        self._cluster = cluster
        self._spec = FleetSpec(
            workers=workers,
            per_node=per_node if sizes else 1,
            placement=placement,
            ready_timeout_s=ready_timeout_s,
            pod=PodOptions(**pod) if pod else None,
            progress=progress,
        )
        self._crew: Crew | None = None
        self._group: TaskGroup | None = None
        self._used = False

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self, None]:
        """Place the workers; end runs that are still under way, and remove the workers, at the end.

        Raises:
            PlacementError: A worker did not become ready.
            StateError: The fleet was opened before, or the cluster is not open.
        """
        if self._used:
            msg = "a WorkerFleet can be opened once; make another one"
            raise StateError(msg)
        self._used = True
        async with self._cluster.backend.place(self._spec) as crew, background_tasks() as group:
            self._crew, self._group = crew, group
            try:
                yield self
            finally:
                self._crew, self._group = None, None

    @property
    def cluster(self) -> Cluster:
        """Where the workers live."""
        return self._cluster

    @property
    def workers(self) -> tuple[Worker, ...]:
        """The workers, ``worker-0`` first.

        Raises:
            StateError: The fleet is not open.
        """
        return self.crew.workers

    @property
    def crew(self) -> Crew:
        """The backend's hold on the workers; for measurements, not for users.

        Raises:
            StateError: The fleet is not open.
        """
        if self._crew is None:
            raise _not_open()
        return self._crew

    def start_soon(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Let a run go on in the background until the fleet is closed; for measurements, not for users.

        Raises:
            StateError: The fleet is not open.
        """
        if self._group is None:
            raise _not_open()
        self._group.start_soon(work)

    def __repr__(self) -> str:
        if self._crew is None:
            return f"<WorkerFleet {'closed' if self._used else 'not open yet'}>"
        return f"<WorkerFleet of {len(self.workers)} workers>"


def _check_count(name: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _WORKERS_MAX:
        raise _wrong(name, value, f"a whole number from 1 to {_WORKERS_MAX}")


def _check_seconds(name: str, value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < math.inf:
        raise _wrong(name, value, "a number of seconds above 0")


def _check_placement(placement: object) -> None:
    expected = "a mapping from node names to whole numbers, with at least one worker in all"
    if not isinstance(placement, Mapping):
        raise _wrong("placement", placement, expected)
    counts = list(placement.values())
    if any(not isinstance(count, int) or isinstance(count, bool) or count < 0 for count in counts):
        raise _wrong("placement", placement, expected)
    if not 1 <= sum(counts) <= _WORKERS_MAX:
        raise _wrong("placement", placement, expected)


def _wrong(argument: str, value: object, expected: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"WorkerFleet({argument}=)", value, expected)


def _not_open() -> StateError:
    return StateError("the fleet is not open: use it inside of 'async with WorkerFleet(cluster, ...) as fleet:'")
