"""A test's hold on the cluster: its own namespace, calls, programs in pods, accounts with few rights."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import anyio
import attrs
import yaml
from kubernetes_asyncio.client import CoreV1Api
from kubernetes_asyncio.stream import WsApiClient

from netbench.backends.kubernetes.backend import ConnectSpec, open_api
from netbench.backends.kubernetes.credentials import find_access
from netbench.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from netbench.kube.api import KubeApi

__all__ = ("FULL_IMAGE", "Kubernetes", "open_kubernetes")

FULL_IMAGE = "localhost/netbench-worker:full"
_MANAGED = "app.kubernetes.io/managed-by=netbench"
_KINDS = {
    "v1": ("pods", "configmaps", "secrets", "serviceaccounts"),
    "rbac.authorization.k8s.io/v1": ("roles", "rolebindings"),
    "coordination.k8s.io/v1": ("leases",),
    "clusterloader.io/v1alpha1": ("networktestrequests",),
}


@attrs.frozen
class Kubernetes:
    """The cluster, and the test's namespace in it.

    Attributes:
        kubeconfig: Path of the administrator's kubeconfig.
        namespace: The namespace.
        api: Calls with the administrator's rights.
    """

    kubeconfig: str
    namespace: str
    api: KubeApi

    def path(self, version: str, plural: str) -> str:
        """Give the path of a collection in the namespace."""
        group = f"/api/{version}" if version == "v1" else f"/apis/{version}"
        return f"{group}/namespaces/{self.namespace}/{plural}"

    async def items(self, version: str, plural: str, **params: str) -> list[dict[str, Any]]:
        """List a collection of the namespace."""
        try:
            listed = await self.api.call("GET", self.path(version, plural), params=params)
        except ApiError as error:
            if error.status == 404:
                # The custom resource before the first fleet.
                return []
            raise
        items: list[dict[str, Any]] = listed["items"]
        return items

    async def leftovers(self, *, patience_s: float = 15) -> list[str]:
        """Give what netbench has left in the namespace; what is on its way out is waited for."""
        found: list[str] = []
        with anyio.move_on_after(patience_s):
            while True:
                found = [
                    f"{plural}/{each['metadata']['name']}"
                    for version, plurals in _KINDS.items()
                    for plural in plurals
                    for each in await self.items(version, plural, labelSelector=_MANAGED)
                ]
                if not found:
                    return []
                await anyio.sleep(0.3)
        return found

    async def execute(self, pod: str, command: Sequence[str], *, timeout_s: float = 30) -> str:
        """Run a program in a pod's container, and give what it printed."""
        access = await find_access(self.kubeconfig, None)
        with anyio.fail_after(timeout_s):
            async with WsApiClient(configuration=access.configuration) as client:
                answer: str = await CoreV1Api(client).connect_get_namespaced_pod_exec(
                    pod,
                    self.namespace,
                    command=list(command),  # type: ignore[arg-type] # its annotation is wrong
                    container="worker",
                    stderr=True,
                    stdin=False,
                    stdout=True,
                    tty=False,
                )
        return answer

    async def account(self, directory: Path, rules: list[dict[str, Any]], name: str = "user") -> str:
        """Make an account with these rights in the namespace, and give the path of its kubeconfig."""
        await self.api.create(self.path("v1", "serviceaccounts"), {"metadata": {"name": name}})
        rbac = "rbac.authorization.k8s.io/v1"
        await self.api.create(self.path(rbac, "roles"), {"metadata": {"name": name}, "rules": rules})
        subject = {"kind": "ServiceAccount", "name": name, "namespace": self.namespace}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        binding = {"metadata": {"name": name}, "subjects": [subject], "roleRef": role}
        await self.api.create(self.path(rbac, "rolebindings"), binding)
        asked = {"spec": {"expirationSeconds": 3600}}
        answer = await self.api.call("POST", f"{self.path('v1', 'serviceaccounts')}/{name}/token", asked)
        value = yaml.safe_load(await anyio.Path(self.kubeconfig).read_text())
        value["users"] = [{"name": name, "user": {"token": answer["status"]["token"]}}]
        value["contexts"][0]["context"]["user"] = name
        value["current-context"] = value["contexts"][0]["name"]
        path = directory / f"{name}.kubeconfig"
        await anyio.Path(path).write_text(json.dumps(value))
        return str(path)


@asynccontextmanager
async def open_kubernetes(kubeconfig: str, namespace: str) -> AsyncIterator[Kubernetes]:
    """Make the namespace, and remove it at the end."""
    async with open_api(ConnectSpec(kubeconfig=kubeconfig, context=None, namespace=None)) as (api, _):
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        await api.create("/api/v1/namespaces", {"metadata": {"name": namespace, "labels": labels}})
        try:
            yield Kubernetes(kubeconfig, namespace, api)
        finally:
            with anyio.CancelScope(shield=True), suppress(ApiError):
                await api.delete(f"/api/v1/namespaces/{namespace}")
