"""Nodes without machines: their pods are said to run, and what is in them runs in this process.

What thousands of workers ask of the API server is asked for real, by the same code as in a pod; only the containers do
not exist. Every worker has an address of 127.0.0.0/8 to itself.
"""

from __future__ import annotations

import argparse
import base64
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
import yaml

from netbench.backends.kubernetes.lease import micro_time
from netbench.errors import ApiError
from netbench.kube.api import KubeApi
from netbench.kube.names import FLEET_LABEL, FleetNames
from netbench.kube.watching import follow
from netbench.tasks import background_tasks
from netbench.worker.agent import serve
from netbench.worker.control.kubernetes.opening import Way, open_kubernetes_control
from netbench.worker.control.kubernetes.transport import PodTransport
from netbench.worker.timing import WorkerClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from anyio.abc import TaskGroup

    from netbench.kube.watching import Change
    from netbench.messages import WorkerHello
    from tests.e2e.kubernetes import Kubernetes

__all__ = ("SELECTOR", "Work", "node_name", "open_account", "simulated_nodes")

#: What runs in a pod, given that and its address, until it is cancelled.
Work: TypeAlias = "Callable[[dict[str, Any], str], Awaitable[None]]"

#: The node selector of fleets that are to live on simulated nodes.
SELECTOR = {"netbench.io/simulated": "true"}
_NODE_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_HEARTBEAT_S = 10.0
_UNTAINTED_WITHIN_S = 30
_PODS = "200"
#: All agents share a processor, and thousands that start at once would each take a minute.
_STARTING_AT_ONCE = 128


def node_name(number: int) -> str:
    """Give a simulated node's name."""
    return f"simulated-{number}"


@asynccontextmanager
async def simulated_nodes(
    kubernetes: Kubernetes, numbers: range, directory: Path, work: Work | None = None
) -> AsyncIterator[None]:
    """Register nodes of these numbers, and let every pod that is placed on them run, while the context lasts.

    Args:
        kubernetes: The cluster, and the namespace whose pods they are.
        numbers: The nodes.
        directory: For the pods' account.
        work: What runs in a pod; netbench's worker agent unless given.
    """
    names = [node_name(number) for number in numbers]
    if work is None:
        work = _Agents(kubernetes, directory).work
    kubelet = _Kubelet(kubernetes, dict(zip(names, numbers, strict=True)), work)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_remove, kubernetes, names)
        for name in names:
            await _register(kubernetes, name)
        await _schedulable(kubernetes, names)
        group = await stack.enter_async_context(background_tasks())
        group.start_soon(_beat, kubernetes, names)
        group.start_soon(kubelet.run)
        yield


async def _register(kubernetes: Kubernetes, name: str) -> None:
    # As on clouds where a node's name is not its hostname.
    labels = {**SELECTOR, "kubernetes.io/hostname": f"{name}.example"}
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
    """The kubelets of all simulated nodes; each watches the pods of its node, as real ones do."""

    def __init__(self, kubernetes: Kubernetes, nodes: dict[str, int], work: Work) -> None:
        self._kubernetes = kubernetes
        self._nodes = nodes
        self._work = work
        self._placed: Counter[int] = Counter()
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._leaving: set[str] = set()
        self._slots = anyio.CapacityLimiter(16)

    async def run(self) -> None:
        path = self._kubernetes.path("v1", "pods")
        async with background_tasks() as tasks:
            for node in self._nodes:
                mine = {"fieldSelector": f"spec.nodeName={node}"}
                tasks.start_soon(partial(follow, self._kubernetes.api, path, partial(self._take, tasks), params=mine))
            await anyio.sleep_forever()

    def _take(self, tasks: TaskGroup, change: Change) -> None:
        if change.kind == "listed":
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
            tasks.start_soon(self._start, change.value)

    async def _start(self, pod: dict[str, Any]) -> None:
        name = pod["metadata"]["name"]
        node = self._nodes[pod["spec"]["nodeName"]]
        number = self._placed[node]
        self._placed[node] += 1
        address = f"127.{number // 250 + 1}.{node}.{number % 250 + 1}"
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
        with self._scopes[name]:
            await self._work(pod, address)

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


class _Agents:
    """Runs netbench's worker agents, all with their fleet's own account."""

    def __init__(self, kubernetes: Kubernetes, directory: Path) -> None:
        self._kubernetes = kubernetes
        self._directory = directory
        self._opening = anyio.Lock()
        self._starting = anyio.Semaphore(_STARTING_AT_ONCE)
        self._found: tuple[str, bytes] | None = None

    async def work(self, pod: dict[str, Any], address: str) -> None:
        """Be the worker in a pod."""
        name, fleet = pod["metadata"]["name"], pod["metadata"]["labels"][FLEET_LABEL]
        server, key = await self._account(fleet)
        names = FleetNames(self._kubernetes.namespace, fleet)
        clock = WorkerClock()
        # As a pod's command line is read.
        parser = argparse.ArgumentParser()
        parser.add_argument("--relay", default="")
        parser.add_argument("--group", default="")
        arguments, _ = parser.parse_known_args(pod["spec"]["containers"][0]["args"])
        way = Way.of(arguments.group, arguments.relay)
        opened = open_kubernetes_control(names, name, key, clock, way, partial(self._open_api, server))
        async with AsyncExitStack() as start:
            await start.enter_async_context(self._starting)
            async with opened as control:
                announce = control.announce

                async def announced(hello: WorkerHello) -> None:
                    await announce(hello)
                    await start.aclose()

                # That it is ready is said nowhere else.
                control.announce = announced  # type: ignore[method-assign] # this one alone
                await serve(control, name, address, clock)

    @asynccontextmanager
    async def _open_api(self, server: str) -> AsyncIterator[KubeApi]:
        """Open connections of a worker's own, as in a pod."""
        async with PodTransport(server, self._directory) as transport:
            yield KubeApi(transport, sure_of_rights=True)

    async def _account(self, fleet: str) -> tuple[str, bytes]:
        """Give the server's address and the fleet's key, once the fleet's account is written down."""
        async with self._opening:
            if self._found is None:
                base = f"netbench-{fleet}"
                secret = await self._kubernetes.api.call("GET", f"{self._kubernetes.path('v1', 'secrets')}/{base}")
                server = await open_account(self._kubernetes, base, self._directory)
                self._found = server, base64.b64decode(secret["data"]["key"])
        return self._found


async def open_account(kubernetes: Kubernetes, name: str, directory: Path) -> str:
    """Write down an account of the namespace as its pods find it, and give the server's address."""
    path = f"{kubernetes.path('v1', 'serviceaccounts')}/{name}/token"
    token = (await kubernetes.api.call("POST", path, {"spec": {"expirationSeconds": 3600}}))["status"]["token"]
    config = yaml.safe_load(await anyio.Path(kubernetes.kubeconfig).read_text())["clusters"][0]["cluster"]
    await anyio.Path(directory / "token").write_text(token)
    await anyio.Path(directory / "ca.crt").write_bytes(base64.b64decode(config["certificate-authority-data"]))
    server: str = config["server"]
    return server
