"""One fleet on a Kubernetes cluster: made, ready, watched, and removed whatever the end."""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import anyio
import attrs

from netbench.backends.kubernetes.crd import ensure_crd
from netbench.backends.kubernetes.crew import KubernetesCrew
from netbench.backends.kubernetes.groups import hires
from netbench.backends.kubernetes.hiring import create_pods
from netbench.backends.kubernetes.lease import FleetLease
from netbench.backends.kubernetes.objects import FleetObjects
from netbench.backends.kubernetes.placing import Arrivals
from netbench.backends.kubernetes.removal import removal_timeout_s, remove_fleet, what_remains
from netbench.errors import BackendError, CleanupError
from netbench.kube.names import ROLE_LABEL, FleetNames
from netbench.kube.watching import follow
from netbench.tasks import background_tasks, together
from netbench.topology import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

    from netbench.backends.base import PodOptions
    from netbench.backends.kubernetes.bundle import Archive
    from netbench.backends.kubernetes.objects import Place
    from netbench.backends.kubernetes.pods import PodFacts
    from netbench.kube.api import KubeApi
    from netbench.kube.watching import Change
    from netbench.messages import WorkerHello

__all__ = ("FleetPlan", "open_fleet")

_READY_TIMEOUT_S = 180.0
_LOOK_TIMEOUT_S = 5.0
_KEY_BYTES = 32


@attrs.frozen(kw_only=True)
class FleetPlan:
    """What a fleet is to be.

    Attributes:
        namespace: Where.
        counts: How many workers at each place; the key None is for wherever the scheduler puts them.
        options: How their pods are to be.
        zones: The zone of each node, where it is known.
        ready_timeout_s: How long they may take; None takes the default.
        progress: Told how many are ready of how many.
        arguments: What a command line needs to reach this cluster, for the words of an error.
    """

    namespace: str
    counts: Mapping[Place | None, int]
    options: PodOptions
    zones: Mapping[str, str | None]
    ready_timeout_s: float | None
    progress: Callable[[int, int], None] | None
    arguments: str


@asynccontextmanager
async def open_fleet(
    api: KubeApi, plan: FleetPlan, code: Sequence[Archive], abandon: anyio.Event
) -> AsyncIterator[KubernetesCrew]:
    """Make the fleet's objects, wait until its workers are ready, and remove everything at the end.

    Args:
        api: The API server.
        plan: What it is to be.
        code: The workers'.
        abandon: Once set, the removal is not waited for.

    Raises:
        PlacementError: A worker will not become ready.
        CleanupError: Something could not be removed.
        BackendError: The API server refuses or is away.
    """
    names = FleetNames(plan.namespace, secrets.token_hex(4))
    objects = FleetObjects(names=names, options=plan.options, code=code, key=secrets.token_bytes(_KEY_BYTES))
    hired = hires(names.base, plan.counts)
    expected = len(hired)
    lease = FleetLease(api, objects)
    async with AsyncExitStack() as stack:
        stack.push_async_exit(_Removal(api, names, lease, expected, plan.arguments, abandon).end)
        # Whoever shares the cluster with ClusterLoader2 loses it each time that gathers.
        await ensure_crd(api, plan.namespace)
        await lease.create(expected)
        group = await stack.enter_async_context(background_tasks())
        group.start_soon(lease.renew, _raise)
        await together(
            [*(partial(api.create, path, value) for path, value in objects.data()), partial(_account, api, objects)]
        )
        crew = KubernetesCrew(api, names, lease, {hire.name: hire.relay for hire in hired})
        arrivals = Arrivals(api, names, expected, plan.progress)
        mine = {"labelSelector": names.selector}
        # One watch tells both, from the first pod to the last: to list thousands of pods once more when all are ready
        # costs this process a hundred megabytes, and the API server the work.
        telling = _telling(arrivals.take_pod, crew.take_pod)
        group.start_soon(partial(follow, api, objects.pods_path, telling, params=mine))
        async with background_tasks() as waiting:
            workers = {"labelSelector": f"{names.selector},{ROLE_LABEL}=worker"}
            waiting.start_soon(partial(follow, api, names.leases, arrivals.take_lease, params=workers))
            waiting.start_soon(create_pods, api, objects, hired, arrivals)
            ready_s = _READY_TIMEOUT_S if plan.ready_timeout_s is None else plan.ready_timeout_s
            ready = await arrivals.wait(ready_s)
            # In one step, so that no pod ends unseen in between.
            await crew.begin(_workers(ready, plan.zones), {pod.name: hello for pod, hello in ready})
        group.start_soon(partial(follow, api, names.requests, crew.take_request, params=mine, may_be_absent=True))
        yield crew


def _workers(ready: Iterable[tuple[PodFacts, WorkerHello]], zones: Mapping[str, str | None]) -> list[Worker]:
    return [
        Worker(name=pod.name, node=pod.node or "", address=hello.address, zone=zones.get(pod.node or ""))
        for pod, hello in ready
    ]


def _telling(*takers: Callable[[Change], None]) -> Callable[[Change], None]:
    def tell(change: Change) -> None:
        for take in takers:
            take(change)

    return tell


async def _account(api: KubeApi, objects: FleetObjects) -> None:
    """Make the workers' account, in order: whoever is no administrator can bind only a Role that is there."""
    for path, value in objects.account():
        await api.create(path, value)


def _raise(error: BackendError) -> None:
    raise error


def _not_needed(_: BackendError) -> None:
    """Let a Lease go: it is removed, or is of no more use than what removes the rest."""


@attrs.frozen
class _Removal:
    """The removal of a fleet of so many workers, shielded from whatever ended it, within a deadline."""

    api: KubeApi
    names: FleetNames
    lease: FleetLease
    workers: int
    arguments: str
    abandon: anyio.Event

    async def end(self, _: type[BaseException] | None, error: BaseException | None, __: object) -> None:
        """Remove it; an exit of a stack."""
        failure = await self._failure()
        if failure is None:
            return
        if isinstance(error, Exception):
            # Why the fleet ended is what its user must hear first.
            error.add_note(str(failure))
            return
        raise failure

    async def _failure(self) -> CleanupError | None:
        timeout_s = removal_timeout_s(self.workers)
        done = False
        cause: BackendError | None = None
        with anyio.move_on_after(timeout_s, shield=True) as scope:
            async with anyio.create_task_group() as group:

                async def leave() -> None:
                    await self.abandon.wait()
                    scope.cancel()

                group.start_soon(leave)
                # The removal of thousands outlasts the Lease: until it is over nobody is to take the fleet for dead.
                group.start_soon(self.lease.renew, _not_needed)
                try:
                    await remove_fleet(self.api, self.names)
                    done = True
                except BackendError as error:
                    cause = error
                group.cancel_scope.cancel()
        return None if done else await self._told(cause, f"it took over {timeout_s:g} s")

    async def _told(self, cause: BackendError | None, late: str) -> CleanupError:
        """Say what is left, and how to be rid of it."""
        names, remaining = self.names, list[str]()
        why = "its removal was not waited for" if self.abandon.is_set() else cause or late
        if not self.abandon.is_set():
            with anyio.move_on_after(_LOOK_TIMEOUT_S, shield=True):
                remaining = await what_remains(self.api, names)
        listed = ", ".join(remaining) if remaining else f"everything labelled {names.selector}"
        command = " ".join(f"netbench cleanup {self.arguments} --namespace {names.namespace}".split())
        failure = CleanupError(
            f"fleet {names.fleet} in namespace {names.namespace} was not removed whole: {why}. What remains: {listed}. "
            f"Its workers stop by themselves; a minute from now this removes the rest: {command}"
        )
        failure.__cause__ = cause
        return failure
