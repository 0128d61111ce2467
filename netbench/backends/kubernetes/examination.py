"""What a Kubernetes cluster can do for netbench, what is missing, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.to_thread

from netbench.backends.base import Finding
from netbench.backends.kubernetes.backend import ConnectSpec, open_api
from netbench.backends.kubernetes.bundle import ARCHIVE_MAX_BYTES, make_bundle
from netbench.backends.kubernetes.crd import CRD_PATH
from netbench.backends.kubernetes.removal import dead_fleets
from netbench.backends.kubernetes.rights import CONTROLLER_RULES
from netbench.errors import AccessDeniedError, BackendError, InvalidArgumentError
from netbench.kube.names import API_GROUP, API_VERSION, CRD_NAME, REQUESTS

if TYPE_CHECKING:
    import os

    from netbench.backends.kubernetes.credentials import Access
    from netbench.kube.api import JsonObject, KubeApi

__all__ = ("examine",)

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_LEVEL = "pod-security.kubernetes.io/enforce"


async def examine(
    kubeconfig: str | os.PathLike[str] | None, context: str | None, namespace: str | None
) -> list[Finding]:
    """Look at version, rights, Pod Security, custom resource, nodes, code and leftovers. Changes nothing."""
    try:
        async with open_api(ConnectSpec(kubeconfig=kubeconfig, context=context, namespace=namespace)) as (api, access):
            return await _look(api, access, namespace or access.namespace)
    except (BackendError, InvalidArgumentError) as error:
        return [Finding("connection", "missing", str(error), "check --context, --kubeconfig and the network")]


async def _look(api: KubeApi, access: Access, namespace: str | None) -> list[Finding]:
    version = (await api.call("GET", "/version", patience_s=5)).get("gitVersion")
    server = f"{access.configuration.host}, Kubernetes {version}, context {access.context}"
    return [
        Finding("cluster", "ok", server),
        await _namespace(api, namespace),
        await _rights(api, namespace),
        await _definition(api),
        await _nodes(api),
        await _code(),
        await _leftovers(api, namespace, access),
    ]


async def _namespace(api: KubeApi, namespace: str | None) -> Finding:
    if namespace is None:
        allowed = await _may(api, {"verb": "create", "resource": "namespaces"})
        if allowed:
            return Finding("namespace", "ok", "one of their own is made for the workers and removed")
        return Finding("namespace", "missing", "none is named, and none may be made", "name one: --namespace")
    try:
        there = await api.get(f"/api/v1/namespaces/{namespace}")
    except AccessDeniedError:
        return Finding("namespace", "ok", f"{namespace}; its Pod Security level may not be looked at")
    if there is None:
        return Finding("namespace", "ok", f"{namespace} is not there; it is made and removed")
    level = (there["metadata"].get("labels") or {}).get(_LEVEL, "privileged")
    return Finding("namespace", "ok", f"{namespace}; Pod Security enforces {level}, and workers pass restricted")


async def _rights(api: KubeApi, namespace: str | None) -> Finding:
    lacking: list[str] = []
    for rule in CONTROLLER_RULES:
        for resource in rule["resources"]:
            name, _, subresource = resource.partition("/")
            for verb in rule["verbs"]:
                asked = {"verb": verb, "group": rule["apiGroups"][0], "resource": name, "subresource": subresource}
                if not await _may(api, {**asked, "namespace": namespace or "default"}):
                    lacking.append(f"{verb} {resource}")
    if lacking:
        remedy = "netbench manifests --only role --namespace NAMESPACE, bound to you"
        return Finding("rights", "missing", f"not allowed: {', '.join(lacking)}", remedy)
    return Finding("rights", "ok", "all that is needed in the namespace")


async def _may(api: KubeApi, attributes: JsonObject) -> bool:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = await api.call("POST", _REVIEWS, review)
    return bool(answer["status"]["allowed"])


async def _definition(api: KubeApi) -> Finding:
    served = await api.get(f"/apis/{API_GROUP}/{API_VERSION}")
    names = {each["name"] for each in (served or {}).get("resources") or ()}
    if f"{REQUESTS}/status" in names:
        return Finding("custom resource", "ok", f"{CRD_NAME} is served")
    found = "is ClusterLoader2's" if REQUESTS in names else "is not there"
    group = CRD_PATH.split("/")[2]
    if await _may(api, {"verb": "create", "group": group, "resource": "customresourcedefinitions"}):
        return Finding("custom resource", "ok", f"{CRD_NAME} {found}; it is made")
    remedy = "an administrator, once: netbench manifests --only crd | kubectl apply -f -"
    return Finding("custom resource", "missing", f"{CRD_NAME} {found}", remedy)


async def _nodes(api: KubeApi) -> Finding:
    try:
        listed = (await api.call("GET", "/api/v1/nodes")).get("items") or []
    except AccessDeniedError:
        detail = "may not be looked at: no zones, and no number of workers per node"
        return Finding("nodes", "limited", detail, "allow get and list of nodes")
    ready = [
        value
        for value in listed
        if any(each["type"] == "Ready" and each["status"] == "True" for each in value["status"].get("conditions") or ())
    ]
    zones = {(each["metadata"].get("labels") or {}).get("topology.kubernetes.io/zone") for each in ready} - {None}
    detail = f"{len(ready)} of {len(listed)} are ready, in {len(zones)} zones"
    if len(ready) < 2:  # noqa: PLR2004 - a pair of nodes
        return Finding("nodes", "limited", detail, "cross-node pairs need two nodes")
    return Finding("nodes", "ok", detail)


async def _code() -> Finding:
    sizes = [len(archive.data) for archive in await anyio.to_thread.run_sync(make_bundle)]
    if max(sizes) > ARCHIVE_MAX_BYTES:
        return Finding("workers' code", "missing", f"{max(sizes)} bytes do not fit into a ConfigMap", "report this")
    told = f"{' and '.join(map(str, sizes))} bytes, of the {ARCHIVE_MAX_BYTES} that a ConfigMap takes"
    return Finding("workers' code", "ok", told)


async def _leftovers(api: KubeApi, namespace: str | None, access: Access) -> Finding:
    try:
        found = await dead_fleets(api, namespace)
    except AccessDeniedError:
        return Finding("leftovers", "limited", "may not be looked for", "allow list of leases")
    if found:
        command = f"netbench cleanup {access.arguments}".strip()
        return Finding("leftovers", "limited", "; ".join(map(str, found)), command)
    return Finding("leftovers", "ok", "none")
