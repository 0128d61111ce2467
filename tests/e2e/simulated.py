"""Nodes without machines: their pods are said to run, and the workers in them are real agents in this process.

What thousands of workers ask of the API server is asked for real, by the same code as in a pod; only the containers do
not exist. Every worker has an address of 127.0.0.0/8 to itself.
"""

from __future__ import annotations

import base64
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import yaml

from netbench.backends.kubernetes.lease import micro_time
from netbench.errors import ApiError
from netbench.kube.api import KubeApi
from netbench.kube.names import FLEET_LABEL, FleetNames
from netbench.kube.watching import follow
from netbench.tasks import background_tasks
from netbench.worker.agent import serve
from netbench.worker.control.kubernetes.control import KubernetesControl
from netbench.worker.control.kubernetes.transport import PodTransport
from netbench.worker.timing import WorkerClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from anyio.abc import TaskGroup

    from netbench.kube.watching import Change
    from tests.e2e.kubernetes import Kubernetes

__all__ = ("SELECTOR", "simulated_nodes")

#: The node selector of fleets that are to live on simulated nodes.
SELECTOR = {"netbench.io/simulated": "true"}
_NODE_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_HEARTBEAT_S = 10.0
_UNTAINTED_WITHIN_S = 30
_PODS = "200"


@asynccontextmanager
async def simulated_nodes(kubernetes: Kubernetes, count: int, directory: Path) -> AsyncIterator[None]:
    """Register nodes, and let every pod that is placed on them run, while the context lasts."""
    names = [f"simulated-{number}" for number in range(count)]
    kubelet = _Kubelet(kubernetes, set(names), directory)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_remove, kubernetes, names)
        for name in names:
            await _register(kubernetes, name)
        await _schedulable(kubernetes, names)
        group = await stack.enter_async_context(background_tasks())
        group.start_soon(_beat, kubernetes, names)
        group.start_soon(kubelet.run, group)
        yield


async def _register(kubernetes: Kubernetes, name: str) -> None:
    labels = {**SELECTOR, "kubernetes.io/hostname": name}
    await kubernetes.api.create("/api/v1/nodes", {"metadata": {"name": name, "labels": labels}})
    room = {"cpu": "64", "memory": "256Gi", "pods": _PODS}
    now = micro_time()[:19] + "Z"
    ready = {"type": "Ready", "status": "True", "reason": "Simulated", "lastHeartbeatTime": now}
    status = {"capacity": room, "allocatable": room, "conditions": [{**ready, "lastTransitionTime": now}]}
    await kubernetes.api.call("PATCH", f"/api/v1/nodes/{name}/status", {"status": status}, patch="strategic")
    spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": micro_time()}
    await kubernetes.api.create(_NODE_LEASES, {"metadata": {"name": name}, "spec": spec})


async def _schedulable(kubernetes: Kubernetes, names: list[str]) -> None:
    """Wait until the nodes have lost the taint that the API server gives every new one."""
    with anyio.fail_after(_UNTAINTED_WITHIN_S):
        for name in names:
            while (await kubernetes.api.call("GET", f"/api/v1/nodes/{name}"))["spec"].get("taints"):
                await anyio.sleep(0.1)


async def _beat(kubernetes: Kubernetes, names: list[str]) -> None:
    while True:
        for name in names:
            await kubernetes.api.call("PATCH", f"{_NODE_LEASES}/{name}", {"spec": {"renewTime": micro_time()}})
        await anyio.sleep(_HEARTBEAT_S)


async def _remove(kubernetes: Kubernetes, names: list[str]) -> None:
    with anyio.CancelScope(shield=True):
        for name in names:
            await kubernetes.api.delete(f"/api/v1/nodes/{name}")
            await kubernetes.api.delete(f"{_NODE_LEASES}/{name}")


class _Kubelet:
    """The kubelet of all simulated nodes."""

    def __init__(self, kubernetes: Kubernetes, nodes: set[str], directory: Path) -> None:
        self._kubernetes = kubernetes
        self._nodes = nodes
        self._directory = directory
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._leaving: set[str] = set()
        self._slots = anyio.CapacityLimiter(16)
        self._opening = anyio.Lock()
        self._worker_api: KubeApi | None = None
        self._key = b""

    async def run(self, group: TaskGroup) -> None:
        async with background_tasks() as tasks:
            path = self._kubernetes.path("v1", "pods")
            await follow(self._kubernetes.api, path, partial(self._take, tasks))
        del group

    def _take(self, tasks: TaskGroup, change: Change) -> None:
        if change.kind == "listed" or change.value["spec"].get("nodeName") not in self._nodes:
            return
        name = change.value["metadata"]["name"]
        if change.kind == "deleted":
            return
        if change.value["metadata"].get("deletionTimestamp"):
            if name not in self._leaving:
                self._leaving.add(name)
                tasks.start_soon(self._end, name)
        elif name not in self._scopes:
            self._scopes[name] = anyio.CancelScope()
            tasks.start_soon(self._start, tasks, change.value, len(self._scopes))

    async def _start(self, tasks: TaskGroup, pod: dict[str, Any], number: int) -> None:
        name = pod["metadata"]["name"]
        address = f"127.1.{number // 250}.{number % 250 + 1}"
        async with self._slots:
            now = micro_time()[:19] + "Z"
            running = {"name": "worker", "ready": True, "started": True, "restartCount": 0, "image": "", "imageID": ""}
            status = {
                "phase": "Running",
                "podIP": address,
                "podIPs": [{"ip": address}],
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": now}],
                "containerStatuses": [{**running, "state": {"running": {"startedAt": now}}}],
            }
            path = f"{self._kubernetes.path('v1', 'pods')}/{name}/status"
            try:
                await self._kubernetes.api.call("PATCH", path, {"status": status}, patch="strategic")
            except ApiError as error:
                if error.status != 404:
                    raise
                # It was removed before it began.
                return
            api = await self._account(tasks, pod["metadata"]["labels"][FLEET_LABEL])
        names = FleetNames(self._kubernetes.namespace, pod["metadata"]["labels"][FLEET_LABEL])
        clock = WorkerClock()
        with self._scopes[name]:
            async with KubernetesControl(api, names, name, self._key, clock) as control:
                await serve(control, name, address, clock)

    async def _account(self, tasks: TaskGroup, fleet: str) -> KubeApi:
        """Give a client with the fleet's own account, as its pods have it; one for all workers of this process."""
        async with self._opening:
            if self._worker_api is None:
                base = f"netbench-{fleet}"
                secret = await self._kubernetes.api.call("GET", f"{self._kubernetes.path('v1', 'secrets')}/{base}")
                self._key = base64.b64decode(secret["data"]["key"])
                path = f"{self._kubernetes.path('v1', 'serviceaccounts')}/{base}/token"
                asked = {"spec": {"expirationSeconds": 3600}}
                token = (await self._kubernetes.api.call("POST", path, asked))["status"]["token"]
                config = yaml.safe_load(await anyio.Path(self._kubernetes.kubeconfig).read_text())["clusters"][0][
                    "cluster"
                ]
                (self._directory / "token").write_text(token)
                (self._directory / "ca.crt").write_bytes(base64.b64decode(config["certificate-authority-data"]))
                opened = anyio.Event()
                tasks.start_soon(self._hold, PodTransport(config["server"], self._directory), opened)
                await opened.wait()
        assert self._worker_api is not None
        return self._worker_api

    async def _hold(self, transport: PodTransport, opened: anyio.Event) -> None:
        async with transport:
            self._worker_api = KubeApi(transport, sure_of_rights=True)
            opened.set()
            await anyio.sleep_forever()

    async def _end(self, name: str) -> None:
        if name in self._scopes:
            self._scopes[name].cancel()
        async with self._slots:
            path = f"{self._kubernetes.path('v1', 'pods')}/{name}"
            try:
                await self._kubernetes.api.delete(path, gracePeriodSeconds="0")
            except ApiError as error:
                if error.status != 404:
                    raise
