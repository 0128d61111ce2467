"""Removing what carries a fleet's label, and finding fleets whose controller is gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import anyio
import attrs

from netbench.errors import AccessDeniedError, BackendError
from netbench.kube.names import (
    API_GROUP,
    API_VERSION,
    FLEET_LABEL,
    MANAGED_BY,
    REQUESTS,
    ROLE_LABEL,
    WORKERS_ANNOTATION,
    FleetNames,
)
from netbench.tasks import together

if TYPE_CHECKING:
    from netbench.kube.api import JsonObject, KubeApi

__all__ = (
    "DeadFleet",
    "dead_fleets",
    "removal_timeout_s",
    "remove_dead_namespaces",
    "remove_fleet",
    "what_remains",
)

#: Longer than an API server takes to restart; and what a busy one took for each pod, twice and more.
_TIMEOUT_S, _TIMEOUT_PER_WORKER_S = 120.0, 0.05

#: A controller that is slow, or whose clock differs, is not gone yet.
_GRACE = timedelta(seconds=30)
#: Pods are looked for again after a tenth of the time that their removal has taken so far, within these.
_POLL_MIN_S, _POLL_MAX_S, _POLL_SHARE = 0.05, 0.5, 0.1
#: A kubelet that answers ends a worker in a second or two.
_FORCE_AFTER_S = 15.0
#: To ask for the removal of thousands of pods costs the API server as much as to remove them.
_AGAIN_AFTER_S = 3.0


@attrs.frozen
class DeadFleet:
    """A fleet whose controller gave no sign of life for longer than its Lease lasts.

    Attributes:
        names: Its names.
        holder: Who its controller was.
        since: Its last sign of life.
        workers: How many workers it had.
    """

    names: FleetNames
    holder: str
    since: datetime
    workers: int

    def __str__(self) -> str:
        """Say which, whose, and since when."""
        where = f"fleet {self.names.fleet} in namespace {self.names.namespace}"
        return f"{where} of {self.holder}, silent since {self.since:%F %T} UTC"


def _collections(namespace: str) -> list[str]:
    """Give the paths of all that a fleet may have, in the order of removal: the pods first, the Lease last."""
    core = f"/api/v1/namespaces/{namespace}"
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    return [
        f"{core}/pods",
        f"/apis/{API_GROUP}/{API_VERSION}/namespaces/{namespace}/{REQUESTS}",
        f"{core}/configmaps",
        f"{core}/secrets",
        f"{rbac}/rolebindings",
        f"{rbac}/roles",
        f"{core}/serviceaccounts",
        f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases",
    ]


def removal_timeout_s(workers: int) -> float:
    """Give how long the removal of a fleet of so many workers may take, in seconds."""
    return _TIMEOUT_S + _TIMEOUT_PER_WORKER_S * workers


async def remove_fleet(api: KubeApi, names: FleetNames) -> None:
    """Remove all that carries the fleet's label and wait until its pods are gone. The caller sets the deadline."""
    pods, *others, leases = _collections(names.namespace)
    await together([partial(_delete, api, names, path) for path in (pods, *others)])
    began = anyio.current_time()
    forced_at, again_at = began + _FORCE_AFTER_S, began + _AGAIN_AFTER_S
    while await _is_any(api, names, pods):
        await anyio.sleep(min(max((anyio.current_time() - began) * _POLL_SHARE, _POLL_MIN_S), _POLL_MAX_S))
        if anyio.current_time() > again_at:
            # A pod whose kubelet does not answer keeps its object. A worker has nothing to lose, and ends by itself
            # when its Lease is gone.
            await _delete(api, names, pods, grace_s=0 if anyio.current_time() > forced_at else 1)
            again_at = anyio.current_time() + _AGAIN_AFTER_S
    await _delete(api, names, leases)


async def _delete(api: KubeApi, names: FleetNames, path: str, *, grace_s: int = 1) -> None:
    params = {"labelSelector": names.selector}
    if path.endswith("/pods"):
        params["gracePeriodSeconds"] = str(grace_s)
    try:
        await api.delete_all(path, **params)
    except AccessDeniedError:
        # Whoever may not delete such objects may not have been allowed to create them either: then none is there.
        if await _is_any(api, names, path):
            raise


async def _is_any(api: KubeApi, names: FleetNames, path: str) -> bool:
    try:
        params = {"labelSelector": names.selector, "limit": "1"}
        return bool((await api.call("GET", path, params=params)).get("items"))
    except AccessDeniedError:
        return False


async def what_remains(api: KubeApi, names: FleetNames) -> list[str]:
    """List what still carries the fleet's label."""
    found: list[str] = []
    for path in _collections(names.namespace):
        try:
            listed = await api.call("GET", path, params={"labelSelector": names.selector}, patience_s=5)
        except BackendError:
            continue
        found += [f"{path.rpartition('/')[2]}/{each['metadata']['name']}" for each in listed.get("items") or ()]
    return found


async def dead_fleets(api: KubeApi, namespace: str | None) -> list[DeadFleet]:
    """Find fleets whose controller's Lease has expired, in a namespace or in all.

    Raises:
        BackendError: The API server refuses or is away.
    """
    selector = f"{MANAGED_BY[0]}={MANAGED_BY[1]},{ROLE_LABEL}=controller"
    where = "" if namespace is None else f"/namespaces/{namespace}"
    listed = await api.call("GET", f"/apis/coordination.k8s.io/v1{where}/leases", params={"labelSelector": selector})
    return [dead for dead in map(_if_dead, listed.get("items") or ()) if dead is not None]


def _if_dead(lease: JsonObject) -> DeadFleet | None:
    spec, metadata = lease["spec"], lease["metadata"]
    renewed = datetime.strptime(spec["renewTime"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    if datetime.now(UTC) - renewed < timedelta(seconds=spec["leaseDurationSeconds"]) + _GRACE:
        return None
    names = FleetNames(metadata["namespace"], metadata["labels"][FLEET_LABEL])
    holder = spec.get("holderIdentity") or "an unknown controller"
    workers = int((metadata.get("annotations") or {}).get(WORKERS_ANNOTATION, "0"))
    return DeadFleet(names, holder, renewed, workers)


async def remove_dead_namespaces(api: KubeApi) -> list[str]:
    """Remove namespaces that netbench made and in which no fleet is left; give their names.

    Whoever may not look at namespaces has made none.
    """
    selector = f"{MANAGED_BY[0]}={MANAGED_BY[1]},netbench.io/cluster"
    try:
        listed = await api.call("GET", "/api/v1/namespaces", params={"labelSelector": selector})
    except AccessDeniedError:
        return []
    removed: list[str] = []
    for value in listed.get("items") or ():
        name = value["metadata"]["name"]
        made = datetime.strptime(value["metadata"]["creationTimestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        leases = await api.call("GET", f"/apis/coordination.k8s.io/v1/namespaces/{name}/leases")
        terminating = value["metadata"].get("deletionTimestamp")
        # One that is young may be about to get its first fleet.
        if leases.get("items") or terminating or datetime.now(UTC) - made < _GRACE * 2:
            continue
        await api.delete(f"/api/v1/namespaces/{name}")
        removed.append(name)
    return removed
