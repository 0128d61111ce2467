"""ClusterLoader2 as a peer of the control plane: the program itself, with simulated nodes and workers of its protocol.

``python -m tests.bench.clusterloader KUBECONFIG FIRST LAST`` is what the nodes of these numbers and the workers in
their pods run in. A worker lists and watches the requests that have its pod's name as a label, on a connection of its
own; the serving one waits for the end of the test, reads the request again, and writes the whole of it back with its
figures.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import DEVNULL
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import yaml
from anyio.streams.buffered import BufferedByteReceiveStream

from netbench.backends.kubernetes.backend import ConnectSpec, open_api
from netbench.errors import ApiError
from netbench.kube.api import KubeApi
from netbench.kube.watching import follow
from netbench.tasks import background_tasks
from netbench.worker.control.kubernetes.transport import PodTransport
from tests.bench.api_costs import Costs
from tests.bench.simulated_agents import allow_files
from tests.e2e.kubernetes import Kubernetes
from tests.e2e.simulated import open_account, simulated_nodes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from anyio.abc import Process

    from netbench.kube.watching import Change

__all__ = ("run_clusterloader",)

_NAMESPACE = "netperf"
_DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/networktestrequests.clusterloader.io"
_TIMEOUT_S, _GONE_S = 900, 60
#: As many as the real worker's programs give for UDP.
_FIGURES = [1000.5] * 12


async def run_clusterloader(
    program: str, kubernetes: Kubernetes, pairs: int, *, nodes: int, duration_s: float
) -> Mapping[str, float]:
    """Run it once, and give what it cost in the words of netbench's own lines."""
    await _remove_definition(kubernetes)
    with tempfile.TemporaryDirectory() as directory:
        command = _command(program, kubernetes.kubeconfig, pairs, nodes, duration_s, Path(directory))
        async with _cordoned(kubernetes), _workers(kubernetes.kubeconfig, nodes) as said:
            # The nodes' signs of life are no cost of its.
            costs = await Costs.begin(kubernetes)
            await costs.take("begin")
            async with await anyio.open_process(command, stdout=DEVNULL, stderr=DEVNULL) as process:
                with anyio.fail_after(_TIMEOUT_S):
                    async with background_tasks() as tasks:
                        tasks.start_soon(_fail_when_ended, process)
                        await _await_words(said, "request", 1)
                        await costs.take("first")
                        await _await_words(said, "result", pairs)
                        await costs.take("told")
                    await process.wait()
            await costs.take("end")
            _check(process.returncode, Path(directory))
    whole, run = costs.between("begin", "end"), costs.between("first", "told")
    return {
        "run ms": run.server_s / pairs * 1e3,
        "all ms": whole.server_s / pairs * 1e3,
        "run requests": run.requests / pairs,
        "all requests": whole.requests / pairs,
        "all s": costs.at_s["end"] - costs.at_s["begin"],
    }


async def _remove_definition(kubernetes: Kubernetes) -> None:
    """Let it make its own: of netbench's it would take no results, whose status is written apart from the rest."""
    with anyio.fail_after(_GONE_S):
        while await kubernetes.api.get(_DEFINITION) is not None:
            await kubernetes.api.delete(_DEFINITION)
            await anyio.sleep(1)


def _command(program: str, kubeconfig: str, pairs: int, nodes: int, duration_s: float, directory: Path) -> list[str]:
    start = {"duration": f"{duration_s:.0f}s", "protocol": "UDP", "numberOfServers": pairs, "numberOfClients": pairs}
    steps = [_step("start", **start), _step("gather")]
    config = {"name": "bench", "namespace": {"number": 1}, "steps": steps}
    (directory / "config.yaml").write_text(yaml.safe_dump(config))
    return [
        *(program, f"--kubeconfig={kubeconfig}", "--provider=local", f"--nodes={nodes}"),
        *("--enable-exec-service=false", f"--testconfig={directory}/config.yaml", f"--report-dir={directory}"),
    ]


async def _fail_when_ended(process: Process) -> None:
    """Not wait for the words of workers that nobody asks any more."""
    code = await process.wait()
    msg = f"ClusterLoader2 ended with {code} before all of its pairs had a result"
    raise RuntimeError(msg)


def _check(code: int | None, directory: Path) -> None:
    """See that it has all results: it ends with 0 and a success without any, too."""
    (report,) = directory.glob("NetworkPerformanceMetrics_*.json")
    found = {item["labels"]["Metric"]: item["data"] for item in json.loads(report.read_text())["dataItems"]}
    assert code == 0
    assert found["Packet_Per_Second"]["Perc50"] == _FIGURES[0], found


def _step(action: str, **params: object) -> dict[str, Any]:
    measurement = {"Identifier": "net", "Method": "NetworkPerformanceMetrics", "Params": {"action": action, **params}}
    return {"name": action, "measurements": [measurement]}


@asynccontextmanager
async def _cordoned(kubernetes: Kubernetes) -> AsyncIterator[None]:
    """Keep pods off all nodes that are there: its workers cannot be told where to go."""
    listed = await kubernetes.api.call("GET", "/api/v1/nodes")
    paths = [f"/api/v1/nodes/{node['metadata']['name']}" for node in listed["items"]]
    try:
        for path in paths:
            await kubernetes.api.call("PATCH", path, {"spec": {"unschedulable": True}}, patch="merge")
        yield
    finally:
        with anyio.CancelScope(shield=True):
            for path in paths:
                await kubernetes.api.call("PATCH", path, {"spec": {"unschedulable": None}}, patch="merge")


@asynccontextmanager
async def _workers(kubeconfig: str, nodes: int) -> AsyncIterator[BufferedByteReceiveStream]:
    command = [sys.executable, "-m", "tests.bench.clusterloader", kubeconfig, "0", str(nodes)]
    process = await anyio.open_process(command, stderr=None)
    assert process.stdin is not None
    assert process.stdout is not None
    said = BufferedByteReceiveStream(process.stdout)
    try:
        await _await_words(said, "ready", 1)
        yield said
    finally:
        with anyio.CancelScope(shield=True):
            await process.stdin.aclose()
            await process.wait()


async def _await_words(said: BufferedByteReceiveStream, word: str, count: int) -> None:
    while count:
        count -= await said.receive_until(b"\n", 1000) == word.encode()


class _Workers:
    """What runs in its pods."""

    def __init__(self, kubernetes: Kubernetes, directory: Path) -> None:
        self._kubernetes = kubernetes
        self._directory = directory
        self._opening = anyio.Lock()
        self._server = ""
        self._path = kubernetes.path("clusterloader.io/v1alpha1", "networktestrequests")

    async def work(self, pod: dict[str, Any], address: str) -> None:
        """Be the worker in a pod, until its account has no rights any more or its requests are no resource."""
        del address
        name = pod["metadata"]["name"]
        async with self._opening:
            if not self._server:
                self._server = await open_account(self._kubernetes, "default", self._directory)
        selector = {"labelSelector": f"{name} in (clientPodName,serverPodName)"}
        async with PodTransport(self._server, self._directory) as transport, background_tasks() as tasks:
            api = KubeApi(transport, sure_of_rights=True)
            seen: set[str] = set()

            def take(change: Change) -> None:
                if change.kind == "present" and change.value["metadata"]["name"] not in seen:
                    seen.add(change.value["metadata"]["name"])
                    print("request", flush=True)
                    if change.value["spec"]["serverPodName"] == name:
                        tasks.start_soon(self._report, api, change.value)

            try:
                await follow(api, self._path, take, params=selector)
            except ApiError:
                tasks.cancel_scope.cancel()

    async def _report(self, api: KubeApi, request: dict[str, Any]) -> None:
        spec = request["spec"]
        await anyio.sleep(max(0.0, spec["clientStartTimestamp"] + spec["duration"] - time.time()))
        path = f"{self._path}/{request['metadata']['name']}"
        current = await api.call("GET", path)
        await api.call("PUT", path, {**current, "status": {"metrics": _FIGURES, "workerDelay": 0.001}})
        print("result", flush=True)


async def main() -> None:
    """Serve until the standard input closes."""
    allow_files()
    gc.disable()
    kubeconfig, first, last = sys.argv[1:4]
    spec = ConnectSpec(kubeconfig=kubeconfig, context=None, namespace=None)
    with tempfile.TemporaryDirectory() as directory:
        async with open_api(spec) as (api, _):
            kubernetes = Kubernetes(kubeconfig, _NAMESPACE, api)
            workers = _Workers(kubernetes, Path(directory))
            numbers = range(int(first), int(last))
            async with simulated_nodes(kubernetes, numbers, Path(directory), workers.work):
                print("ready", flush=True)
                await anyio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)


if __name__ == "__main__":
    anyio.run(main)
