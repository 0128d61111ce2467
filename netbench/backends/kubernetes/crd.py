"""The custom resource: ClusterLoader2's NetworkTestRequest with more beside its fields, and when it may be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from netbench.errors import AccessDeniedError, BackendError
from netbench.kube.names import API_GROUP, API_VERSION, CRD_NAME, MANAGED_BY, REQUESTS

if TYPE_CHECKING:
    from netbench.kube.api import JsonObject, KubeApi

__all__ = ("CRD_PATH", "custom_resource_definition", "ensure_crd")

CRD_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
#: Raised with each change of the schema; a definition with a higher one is a superset and is left alone.
_REVISION_ANNOTATION = "netbench.io/crd-revision"
#: Raised with each change of the definition: an older one on a cluster would drop the fields that it does not know.
_REVISION = 3
_ESTABLISHED_TIMEOUT_S = 30.0
_APPLY = "netbench manifests --only crd | kubectl apply -f -"


def _words(kind: str, description: str, **more: Any) -> JsonObject:  # noqa: ANN401 - a schema
    return {"type": kind, "description": description, **more}


def custom_resource_definition() -> JsonObject:
    """Give the definition. It takes the objects of ClusterLoader2 too."""
    spec = {
        "clientPodName": _words("string", "Pod that starts the session."),
        "serverPodName": _words("string", "Pod that waits for it."),
        "serverPodIP": _words("string", "Address of the server pod."),
        "protocol": _words("string", "TCP, UDP or HTTP."),
        "duration": _words("integer", "Seconds for which traffic counts."),
        "clientStartTimestamp": _words(
            "integer", "Unix time in seconds of the start; 0 where the Lease says it.", format="int64"
        ),
        "numberOfClients": _words("integer", "Parallel streams or connections."),
        "runID": _words("string", "netbench's run."),
        "roundIndex": _words("integer", "Round of the run, from 0."),
        "driver": _words("string", "native, iperf2 or iperf3."),
        "rollNumber": _words("integer", "Number of the first pair in the round's roll, where there is one."),
        "pairs": _words(
            "string", "Every pair that this worker is the client of, whole, as netbench's workers read it: JSON."
        ),
    }
    pair = {
        "type": "object",
        "properties": {
            "runID": {"type": "string"},
            "phase": _words("string", "Arming, Armed, Running, Gathering, Done or Failed."),
            "reportedAtNanoseconds": _words("integer", "Unix time of the time base when written.", format="int64"),
            "failure": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "outcome": _words("string", "The full result with its histograms: JSON, gzip, base64."),
        },
    }
    status = {
        "metrics": _words(
            "array", "ClusterLoader2's numbers.", items={"type": "number"}, **{"x-kubernetes-list-type": "atomic"}
        ),
        "error": _words("string", "Why there is no result; empty where there is one."),
        "workerDelay": _words("number", "Seconds by which the client started late."),
        "phase": _words("string", "Phase of the pair that was heard of last."),
        "throughput": _words("string", "Received payload per second, for people."),
        "pairs": _words("object", "Each pair by its id.", additionalProperties=pair),
        "armed": _words("string", "Of a round's roll: a bit for each pair that is armed, hexadecimal, and @ when."),
    }
    # Each has one writer, who writes it whole: the server need not note for every field who wrote it.
    whole = {"type": "object", "x-kubernetes-map-type": "atomic"}
    schema = {
        "type": "object",
        "properties": {"spec": {**whole, "properties": spec}, "status": {**whole, "properties": status}},
    }

    def column(name: str, path: str, kind: str = "string") -> JsonObject:
        return {"name": name, "type": kind, "jsonPath": path}

    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": CRD_NAME,
            "labels": {MANAGED_BY[0]: MANAGED_BY[1]},
            "annotations": {_REVISION_ANNOTATION: str(_REVISION)},
        },
        "spec": {
            "group": API_GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": "NetworkTestRequest",
                "listKind": "NetworkTestRequestList",
                "plural": REQUESTS,
                "singular": "networktestrequest",
                "shortNames": ["ntr"],
            },
            "versions": [
                {
                    "name": API_VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [
                        column("Client", ".spec.clientPodName"),
                        column("Server", ".spec.serverPodName"),
                        column("Protocol", ".spec.protocol"),
                        column("Phase", ".status.phase"),
                        column("Throughput", ".status.throughput"),
                        column("Age", ".metadata.creationTimestamp", "date"),
                    ],
                }
            ],
        },
    }


async def ensure_crd(api: KubeApi, namespace: str) -> None:
    """Have the resource there, in a version that takes our objects.

    Whoever may not look at definitions is content with one that serves what is needed.

    Raises:
        BackendError: It is not there, or another one is, and it may not or must not be changed; says what to do.
    """
    try:
        there = await api.get(f"{CRD_PATH}/{CRD_NAME}")
    except AccessDeniedError:
        await _require_served(api, namespace)
        return
    wanted = custom_resource_definition()
    if there is None:
        await _create(api, wanted)
    elif _revision(there) < _REVISION:
        await _upgrade(api, there, wanted)
    await _until_established(api)


def _revision(definition: JsonObject) -> int:
    text = (definition["metadata"].get("annotations") or {}).get(_REVISION_ANNOTATION, "0")
    return int(text) if text.isdigit() else 0


async def _create(api: KubeApi, wanted: JsonObject) -> None:
    try:
        await api.create(CRD_PATH, wanted)
    except AccessDeniedError as error:
        raise _missing() from error


async def _upgrade(api: KubeApi, there: JsonObject, wanted: JsonObject) -> None:
    """Replace an older definition, unless somebody uses it: its objects and their programs may count on the old one."""
    version = next((each for each in there["spec"]["versions"] if each["name"] == API_VERSION), None)
    used = (
        await api.call("GET", f"/apis/{API_GROUP}/{API_VERSION}/{REQUESTS}", params={"limit": "1"}) if version else {}
    )
    if used.get("items"):
        owner = used["items"][0]["metadata"]
        msg = (
            f"the CustomResourceDefinition {CRD_NAME} of this cluster is not netbench's (ClusterLoader2's?), and "
            f"{owner.get('namespace')}/{owner['name']} uses it, so it is left as it is. Wait until that run has ended, "
            f"or, if it is a leftover, delete it and run: {_APPLY}"
        )
        raise BackendError(msg)
    wanted = {**wanted, "metadata": {**wanted["metadata"], "resourceVersion": there["metadata"]["resourceVersion"]}}
    try:
        await api.call("PUT", f"{CRD_PATH}/{CRD_NAME}", wanted)
    except AccessDeniedError as error:
        msg = (
            f"the CustomResourceDefinition {CRD_NAME} of this cluster is not netbench's or of an older netbench, and "
            f"may not be changed with these rights. An administrator can: {_APPLY}"
        )
        raise BackendError(msg) from error


async def _require_served(api: KubeApi, namespace: str) -> None:
    """Look at what every account may see: the list of the group's resources."""
    served = await api.get(f"/apis/{API_GROUP}/{API_VERSION}")
    names = {each["name"] for each in (served or {}).get("resources") or ()}
    if REQUESTS not in names:
        raise _missing()
    if f"{REQUESTS}/status" not in names:
        msg = (
            f"the CustomResourceDefinition {CRD_NAME} of this cluster has no status subresource, so it is "
            f"ClusterLoader2's and not netbench's (namespace {namespace}). An administrator can upgrade it: {_APPLY}"
        )
        raise BackendError(msg)


async def _until_established(api: KubeApi) -> None:
    with anyio.move_on_after(_ESTABLISHED_TIMEOUT_S):
        while True:
            there = await api.get(f"{CRD_PATH}/{CRD_NAME}")
            conditions = ((there or {}).get("status") or {}).get("conditions") or ()
            if any(each["type"] == "Established" and each["status"] == "True" for each in conditions):
                return
            await anyio.sleep(0.2)
    msg = f"the CustomResourceDefinition {CRD_NAME} was not established within {_ESTABLISHED_TIMEOUT_S:g} s"
    raise BackendError(msg)


def _missing() -> BackendError:
    return BackendError(
        f"this cluster has no CustomResourceDefinition {CRD_NAME}, and these rights do not allow to make one. "
        f"An administrator can, once: {_APPLY}"
    )
