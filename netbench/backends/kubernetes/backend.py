"""A Kubernetes cluster that is open."""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio
import attrs

from netbench.backends.base import BackendFacts, PodOptions
from netbench.backends.kubernetes.bundle import BundleInTheMaking
from netbench.backends.kubernetes.crd import ensure_crd
from netbench.backends.kubernetes.credentials import find_access
from netbench.backends.kubernetes.fleet import FleetPlan, open_fleet
from netbench.backends.kubernetes.objects import HOSTNAME_LABEL, Place, namespace_object
from netbench.backends.kubernetes.rights import explained
from netbench.backends.kubernetes.transport import open_transport
from netbench.errors import AccessDeniedError, ApiError, BackendError, CleanupError, InvalidArgumentError
from netbench.kube.api import KubeApi
from netbench.topology import Node

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Mapping

    from netbench.backends.base import Crew, FleetSpec
    from netbench.backends.kubernetes.credentials import Access

__all__ = ("ConnectSpec", "KubernetesBackend", "open_api", "open_kubernetes")

_NAMESPACE_TIMEOUT_S = 60.0
_ZONE_LABEL = "topology.kubernetes.io/zone"


@attrs.frozen(kw_only=True)
class ConnectSpec:
    """Which cluster.

    Attributes:
        kubeconfig: Path of the kubeconfig; None looks where kubectl does.
        context: Its context; None takes the current one.
        namespace: Where the fleets go; None takes the context's, or makes one.
    """

    kubeconfig: str | os.PathLike[str] | None
    context: str | None
    namespace: str | None


class KubernetesBackend:
    """Implements :class:`netbench.backends.base.Backend`; made by :func:`open_kubernetes`."""

    def __init__(
        self,
        api: KubeApi,
        access: Access,
        code: BundleInTheMaking,
        namespace: str,
        version: str,
        places: Mapping[Node, Place] | None,
    ) -> None:
        self._api = api
        self._access = access
        self._code = code
        self._namespace = namespace
        self._version = version
        self._places = places
        self._abandon = anyio.Event()

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that take pods; empty where the account may not look at nodes."""
        return tuple(self._places or ())

    @property
    def facts(self) -> BackendFacts:
        """Context, server, version, namespace and number of nodes."""
        details = {
            "context": self._access.context,
            "server": str(self._access.configuration.host),
            "version": self._version,
            "namespace": self._namespace,
        }
        if self._places is not None:
            details["nodes"] = str(len(self._places))
        return BackendFacts(kind="kubernetes", details=details)

    def abandon(self) -> None:
        """Do not wait for removals any more; what remains is told by a CleanupError."""
        self._abandon.set()

    @asynccontextmanager
    async def place(self, spec: FleetSpec) -> AsyncIterator[Crew]:
        """Make the fleet and wait until its workers are ready.

        Raises:
            InvalidArgumentError: The placement names a node that is not there.
            PlacementError: A worker will not become ready.
            AccessDeniedError: A right is missing.
            HostError: A package that the worker imports is not installed here.
        """
        plan = FleetPlan(
            namespace=self._namespace,
            counts=self._counts(spec),
            options=spec.pod or PodOptions(),
            zones={node.name: node.zone for node in self.nodes},
            ready_timeout_s=spec.ready_timeout_s,
            progress=spec.progress,
            arguments=self._access.arguments,
        )
        code = await self._code.wait()
        try:
            async with open_fleet(self._api, plan, code, self._abandon) as crew:
                yield crew
        except AccessDeniedError as error:
            raise explained(error, self._access.context, str(self._access.configuration.host)) from error

    def _counts(self, spec: FleetSpec) -> Mapping[Place | None, int]:
        if spec.workers is not None:
            return {None: spec.workers}
        if self._places is None:
            where = "WorkerFleet(workers=)"
            expected = "given: this account may not list nodes, so there is no number of workers per node"
            raise InvalidArgumentError(where, None, expected)
        if spec.per_node is not None:
            return dict.fromkeys(self._places.values(), spec.per_node)
        places = {place.node: place for place in self._places.values()}
        placement = spec.placement or {}
        for name in placement:
            if name not in places:
                expected = f"a mapping from the cluster's nodes {', '.join(places)}; {name!r} is not one of them"
                raise InvalidArgumentError("WorkerFleet(placement=)", dict(placement), expected)
        return {places[name]: count for name, count in placement.items() if count}


@asynccontextmanager
async def open_api(spec: ConnectSpec) -> AsyncIterator[tuple[KubeApi, Access]]:
    """Connect, without making anything.

    Raises:
        InvalidArgumentError: The kubeconfig or the context is not there.
        BackendError: The credentials cannot be had.
    """
    access = await find_access(spec.kubeconfig, spec.context)
    async with open_transport(access) as transport:
        yield KubeApi(transport), access


@asynccontextmanager
async def open_kubernetes(spec: ConnectSpec) -> AsyncIterator[KubernetesBackend]:
    """Connect, see that the resource and the namespace are there, and remove a namespace that was made at the end.

    Raises:
        AccessDeniedError: A right is missing.
        BackendError: The cluster refuses or is away.
    """
    async with AsyncExitStack() as stack:
        code = BundleInTheMaking()
        api, access = await stack.enter_async_context(open_api(spec))
        try:
            version = await _version(api)
            namespace = await stack.enter_async_context(_namespace(api, spec.namespace or access.namespace))
            await ensure_crd(api, namespace)
            places = await _places(api)
        except AccessDeniedError as error:
            raise explained(error, access.context, str(access.configuration.host)) from error
        yield KubernetesBackend(api, access, code, namespace, version, places)


async def _version(api: KubeApi) -> str:
    try:
        # Whoever waits at a terminal wants to hear soon that nothing is there.
        return str((await api.call("GET", "/version", patience_s=5)).get("gitVersion"))
    except ApiError as error:
        if error.status == HTTPStatus.UNAUTHORIZED:
            msg = f"the API server {api.transport.server} does not accept these credentials: they are wrong or expired"
            raise BackendError(msg) from error
        raise


@asynccontextmanager
async def _namespace(api: KubeApi, wanted: str | None) -> AsyncIterator[str]:
    """Have the namespace there; one that is there is left as it is, one that was made is removed."""
    name = wanted or f"netbench-{secrets.token_hex(4)}"
    if wanted is not None and await _is_there(api, name):
        yield name
        return
    cluster_id = secrets.token_hex(4)
    await api.create("/api/v1/namespaces", namespace_object(name, cluster_id))
    try:
        yield name
    finally:
        await _remove_namespace(api, name, cluster_id)


async def _is_there(api: KubeApi, namespace: str) -> bool:
    try:
        return await api.get(f"/api/v1/namespaces/{namespace}") is not None
    except AccessDeniedError:
        # Whoever has rights in a namespace alone cannot look at it from outside; the first call in it will tell.
        return True


async def _remove_namespace(api: KubeApi, name: str, cluster_id: str) -> None:
    path = f"/api/v1/namespaces/{name}"
    with anyio.move_on_after(_NAMESPACE_TIMEOUT_S, shield=True):
        there = await api.get(path)
        if there is None or (there["metadata"].get("labels") or {}).get("netbench.io/cluster") != cluster_id:
            return
        leases = await api.call("GET", f"/apis/coordination.k8s.io/v1/namespaces/{name}/leases")
        if leases.get("items"):
            # Another fleet has moved in meanwhile, or ours could not be removed: cleanup takes it later.
            return
        await api.delete(path)
        return
    msg = f"the namespace {name} was not removed within {_NAMESPACE_TIMEOUT_S:g} s: kubectl delete namespace {name}"
    raise CleanupError(msg)


async def _places(api: KubeApi) -> dict[Node, Place] | None:
    """Give the nodes that take pods; None where the account may not look."""
    try:
        listed = await api.call("GET", "/api/v1/nodes")
    except AccessDeniedError:
        return None
    found: dict[Node, Place] = {}
    for value in listed.get("items") or ():
        spec = value.get("spec") or {}
        closed = spec.get("unschedulable") or any(
            taint.get("effect") in {"NoSchedule", "NoExecute"} for taint in spec.get("taints") or ()
        )
        if not closed:
            labels = value["metadata"].get("labels") or {}
            name = value["metadata"]["name"]
            found[Node(name=name, zone=labels.get(_ZONE_LABEL))] = Place(name, labels.get(HOSTNAME_LABEL, name))
    return {node: found[node] for node in sorted(found, key=lambda node: node.name)}
