"""The objects of one worker fleet, as the API server takes them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import attrs

from netbench.backends.kubernetes.rights import WORKER_RULES
from netbench.kube.control import LEASE_DURATION_S
from netbench.kube.names import CONTROL_ANNOTATION, ROLE_LABEL, WORKERS_ANNOTATION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netbench.backends.base import PodOptions
    from netbench.backends.kubernetes.bundle import Archive
    from netbench.backends.kubernetes.groups import Hire
    from netbench.kube.api import JsonObject
    from netbench.kube.control import FleetControl
    from netbench.kube.names import FleetNames

__all__ = ("BOOTSTRAP", "HOSTNAME_LABEL", "FleetObjects", "Place", "merged", "namespace_object")

_ANY_USER = 65532
#: Where a worker finds its code, the fleet's key, and its account.
_PATH = "/var/run/netbench"
#: What every namespace has: the authority of the API server.
_AUTHORITY = "kube-root-ca.crt"
_TOKEN_S = 3600
_GRACE_S = 2
#: What a node is selected and spread by. Not on all clouds is it the node's name.
HOSTNAME_LABEL = "kubernetes.io/hostname"
#: What a worker asks for when it is not told: enough to be placed, and no limit, which would be measured instead of the
#: network.
_REQUESTS = {"cpu": "100m", "memory": "96Mi"}

#: Checks the archives before anything of them runs. The pod's own words, so that it needs nothing but Python.
BOOTSTRAP = """\
import hashlib, runpy, sys
if sys.version_info < (3, 11):
    sys.exit("netbench: this image has Python %d.%d, and 3.11 or newer is needed" % sys.version_info[:2])
words = sys.argv[1:]
while words and not words[0].startswith("-"):
    path, wanted, *words = words
    with open(path, "rb") as file:
        found = hashlib.sha256(file.read()).hexdigest()
    if found != wanted:
        sys.exit("netbench: " + path + " has hash " + found + " and not " + wanted + "; it is not run")
    sys.path.insert(0, path)
sys.argv = ["netbench.worker", *words]
runpy.run_module("netbench.worker", run_name="__main__", alter_sys=True)
"""


@attrs.frozen
class Place:
    """The node that a pod is for.

    Attributes:
        node: Its name.
        host: Its hostname label, by which a scheduler selects it.
    """

    node: str
    host: str


@attrs.frozen(kw_only=True)
class FleetObjects:
    """Makes a fleet's objects.

    Attributes:
        names: Their names.
        options: What the user asked for.
        code: The workers'.
        key: The fleet's key.
    """

    names: FleetNames
    options: PodOptions
    code: Sequence[Archive]
    key: bytes = attrs.field(repr=False)

    def account(self) -> list[tuple[str, JsonObject]]:
        """Give the ServiceAccount, its Role and their binding, each with the path of its collection."""
        rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.names.namespace}"
        name = self.names.base
        binding: JsonObject = {
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": self.names.namespace}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        }
        return [
            (self._core("serviceaccounts"), self._object("v1", "ServiceAccount")),
            (f"{rbac}/roles", self._object("rbac.authorization.k8s.io/v1", "Role", rules=WORKER_RULES)),
            (f"{rbac}/rolebindings", self._object("rbac.authorization.k8s.io/v1", "RoleBinding", **binding)),
        ]

    def data(self) -> list[tuple[str, JsonObject]]:
        """Give the Secret with the key and the ConfigMaps with the code."""
        secret = self._object(
            "v1", "Secret", immutable=True, type="Opaque", data={"key": base64.b64encode(self.key).decode()}
        )
        configs = [
            self._object(
                "v1",
                "ConfigMap",
                name=self._name(archive),
                immutable=True,
                binaryData={archive.name: base64.b64encode(archive.data).decode()},
            )
            for archive in self.code
        ]
        return [(self._core("secrets"), secret), *((self._core("configmaps"), each) for each in configs)]

    def lease(self, control: FleetControl, now: str, holder: str, workers: int) -> JsonObject:
        """Give the Lease of a fleet of so many workers."""
        lease = self._object(
            "coordination.k8s.io/v1",
            "Lease",
            spec={
                "holderIdentity": holder,
                "leaseDurationSeconds": LEASE_DURATION_S,
                "acquireTime": now,
                "renewTime": now,
            },
        )
        lease["metadata"]["labels"][ROLE_LABEL] = "controller"
        lease["metadata"]["annotations"] = {CONTROL_ANNOTATION: control.to_text(), WORKERS_ANNOTATION: str(workers)}
        return lease

    @property
    def pods_path(self) -> str:
        """Path of the pods."""
        return self._core("pods")

    def pod(self, hire: Hire, relay: str | None = None) -> JsonObject:
        """Give a worker's pod.

        Args:
            hire: The worker.
            relay: Where its relay is, as ``HOST:PORT``, if that is another worker.
        """
        options = self.options
        labels = {**self.names.labels, ROLE_LABEL: "worker"}
        identity = {"name": hire.name, "namespace": self.names.namespace}
        metadata: JsonObject = {**identity, "labels": {**options.labels, **labels}}
        if options.annotations:
            metadata["annotations"] = dict(options.annotations)
        pod = merged({"metadata": metadata, "spec": self._spec(hire, relay)}, options.pod_patch)
        # Whatever the patch says: removal goes by these labels, and what is followed by this name.
        metadata = pod.get("metadata") or {}
        metadata = {**metadata, **identity, "labels": {**(metadata.get("labels") or {}), **labels}}
        return {"apiVersion": "v1", "kind": "Pod", **pod, "metadata": metadata}

    def _name(self, archive: Archive) -> str:
        return f"{self.names.base}-{archive.name.removesuffix('.zip')}-{archive.sha256[:12]}"

    def _core(self, plural: str) -> str:
        return f"/api/v1/namespaces/{self.names.namespace}/{plural}"

    def _object(
        self,
        version: str,
        kind: str,
        *,
        name: str | None = None,
        **rest: Any,  # noqa: ANN401 - JSON
    ) -> JsonObject:
        metadata = {"name": name or self.names.base, "namespace": self.names.namespace, "labels": self.names.labels}
        return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}

    def _spec(self, hire: Hire, relay: str | None) -> JsonObject:
        options = self.options
        # The account is among them and not in the volume that Kubernetes would add: each field costs the API server.
        given: list[JsonObject] = [
            *({"configMap": {"name": self._name(archive)}} for archive in self.code),
            {"secret": {"name": self.names.base}},
            {"configMap": {"name": _AUTHORITY}},
            {"serviceAccountToken": {"path": "token", "expirationSeconds": _TOKEN_S}},
        ]
        pod: JsonObject = {
            "serviceAccountName": self.names.base,
            "automountServiceAccountToken": False,
            # A worker that has ended has lost its runs. Started again it would only keep its node busy.
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": _GRACE_S,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _ANY_USER,
                "runAsGroup": _ANY_USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [self._container(hire, relay)],
            "volumes": [
                {"name": "netbench", "projected": {"sources": given}},
                {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
            ],
        }
        optional: JsonObject = {
            **self._whereabouts(hire.place),
            "tolerations": [dict(each) for each in options.tolerations],
            "affinity": dict(options.affinity),
            "imagePullSecrets": [{"name": name} for name in options.image_pull_secrets],
            "priorityClassName": options.priority_class,
            "hostNetwork": options.host_network,
        }
        pod.update({name: value for name, value in optional.items() if value})
        if options.host_network:
            pod["dnsPolicy"] = "ClusterFirstWithHostNet"
        return pod

    def _whereabouts(self, place: Place | None) -> JsonObject:
        """Say where a pod is to be.

        For a pod that names its node the scheduler has nothing to choose, and is left out: what it writes, a binding
        and an event for each, is a third of what a pod costs the API server, and by default it makes 50 calls a second.
        The kubelet looks for itself whether it has room. What only a scheduler heeds, it is asked for.
        """
        options = self.options
        selector = dict(options.node_selector)
        if place is None:
            spread = {
                "maxSkew": 1,
                "topologyKey": HOSTNAME_LABEL,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": self.names.labels},
            }
            return {"nodeSelector": selector, "topologySpreadConstraints": [spread]}
        if options.affinity or options.priority_class or options.pod_patch.get("spec"):
            return {"nodeSelector": {**selector, HOSTNAME_LABEL: place.host}}
        return {"nodeSelector": selector, "nodeName": place.node}

    def _container(self, hire: Hire, relay: str | None) -> JsonObject:
        # An API server spends on each field that is not in a list such as the arguments, whenever a pod is written.
        options = self.options
        limits = dict(options.resources)
        code = [word for archive in self.code for word in (f"{_PATH}/{archive.name}", archive.sha256)]
        container: JsonObject = {
            "name": "worker",
            "image": options.image,
            "command": ["python3", "-B", "-u", "-c", BOOTSTRAP, *code],
            "args": [
                *("--control", f"kubernetes:{self.names.namespace}/{self.names.fleet}", "--account", _PATH),
                *("--name", hire.name, "--listen", "$(POD_IP)"),
                *(("--group", hire.relay) if hire.relay else ()),
                *(("--relay", relay) if relay else ()),
            ],
            "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
            "resources": {"requests": limits, "limits": limits} if limits else {"requests": _REQUESTS},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "volumeMounts": [
                {"name": "netbench", "mountPath": _PATH, "readOnly": True},
                {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - in the pod, for the iperf programs
            ],
        }
        if options.image_pull_policy is not None:
            container["imagePullPolicy"] = options.image_pull_policy
        return container


def namespace_object(name: str, cluster_id: str) -> JsonObject:
    """Give a namespace of netbench's own: nothing but restricted pods in it."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {
                "app.kubernetes.io/managed-by": "netbench",
                "netbench.io/cluster": cluster_id,
                "pod-security.kubernetes.io/enforce": "restricted",
            },
        },
    }


def merged(value: JsonObject, patch: Mapping[str, Any]) -> JsonObject:
    """Merge a patch into an object.

    Mappings are merged, None removes, lists of mappings with names are merged by name as Kubernetes does, and
    everything else replaces.
    """
    result = dict(value)
    for name, change in patch.items():
        before = result.get(name)
        if change is None:
            result.pop(name, None)
        elif isinstance(change, dict) and isinstance(before, dict):
            result[name] = merged(before, change)
        elif _named(change) and _named(before):
            by_name = {each["name"]: each for each in before or ()}
            for each in change:
                by_name[each["name"]] = merged(by_name.get(each["name"], {}), each)
            result[name] = list(by_name.values())
        else:
            result[name] = change
    return result


def _named(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) and "name" in each for each in value)
