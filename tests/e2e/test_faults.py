"""Faults while a run goes on: a complete result or a named failure, no 0 for what is missing, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import anyio
import pytest

import netbench as nb
from netbench.backends.kubernetes import cleaning, removal
from tests.e2e.lab.cluster import held
from tests.e2e.lab.control_plane import api_get
from tests.e2e.lab.layout import ETCD_PORT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.e2e.kubernetes import Kubernetes

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("lab_only")]


def patient(duration_s: float) -> nb.Measurement:
    """Give a measurement that an API server which is away for a while does not end."""
    return nb.Measurement(nb.Udp(), duration_s=duration_s, arm_timeout_s=60, gather_timeout_s=60)


async def reached(run: nb.Run, phase: nb.Phase) -> None:
    """Wait until a pair of the run is in this phase; that it runs, or gathers, follows from the start instant."""
    async for event in run.events():
        if isinstance(event, nb.RoundFired) and phase in {nb.Phase.RUNNING, nb.Phase.GATHERING}:
            await anyio.sleep(event.starts_in_s + (event.lasts_s if phase is nb.Phase.GATHERING else 0))
            return
        if isinstance(event, nb.PairProgressed) and event.phase is phase:
            return
    pytest.fail(f"the run ended before {phase}")


@pytest.fixture
async def fleet(cluster: nb.Cluster) -> AsyncIterator[nb.WorkerFleet]:
    """Give two workers on two nodes."""
    async with cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        yield fleet


async def away(seconds: float) -> None:
    """Kill the API server, and keep it away for so long."""
    async with held("kube-apiserver"):
        await anyio.sleep(seconds)
    await restart("kube-controller-manager", "kube-scheduler", "kubelet-n1", "kubelet-n2")


async def restart(*programs: str) -> None:
    """Start what else belongs to Kubernetes anew: by itself it waits up to a minute before it asks a server again."""
    await until(api_is_ready)
    for program in programs:
        async with held(program):
            pass


async def api_is_ready() -> bool:
    """Whether the API server is."""
    return await api_get("/readyz") == b"ok"


@pytest.mark.parametrize("phase", [nb.Phase.ARMED, nb.Phase.RUNNING, nb.Phase.GATHERING])
async def test_an_api_server_that_is_away_for_ten_seconds_costs_no_pair_silently(
    fleet: nb.WorkerFleet, phase: nb.Phase
) -> None:
    """In each phase: complete, or failed by name."""
    run = await patient(4).start(fleet, nb.CrossNode())
    with anyio.move_on_after(8):
        # Two phases may be told as one, when the first is written no sooner than the second is reached.
        await reached(run, phase)
    await away(10)
    result = await run.gather()
    assert len(result.pairs) + len(result.failures) == 1
    assert result.complete or result.failures[0].failure.message


async def test_an_api_server_that_is_away_while_workers_are_placed_is_waited_for(cluster: nb.Cluster) -> None:
    """The fleet comes up all the same."""
    async with cluster, anyio.create_task_group() as group:
        group.start_soon(away, 10)
        async with nb.WorkerFleet(cluster, workers=2) as fleet:
            result = await nb.Measurement(nb.Udp(), duration_s=1).run(fleet, nb.CrossNode())
    assert result.complete


async def test_watches_that_the_server_has_forgotten_are_made_anew(fleet: nb.WorkerFleet) -> None:
    """Etcd is compacted, and the API server starts without its memory: every watch gets a 410."""
    run = await patient(6).start(fleet, nb.CrossNode())
    await reached(run, nb.Phase.RUNNING)
    async with held("kube-apiserver"):
        await anyio.to_thread.run_sync(compact)
    await restart("kube-controller-manager", "kube-scheduler", "kubelet-n1", "kubelet-n2")
    assert (await run.gather()).complete
    assert (await nb.Measurement(nb.Udp(), duration_s=1).run(fleet, nb.CrossNode())).complete


def compact() -> None:
    """Have etcd forget all versions but the last, through its JSON gateway."""

    def post(path: str, body: dict[str, object]) -> dict[str, dict[str, str]]:
        request = urllib.request.Request(f"http://127.0.0.1:{ETCD_PORT}/v3/{path}", data=json.dumps(body).encode())
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as reply:
            answer: dict[str, dict[str, str]] = json.load(reply)
        return answer

    revision = post("kv/range", {"key": "AA=="})["header"]["revision"]
    post("kv/compaction", {"revision": revision, "physical": True})


@pytest.mark.parametrize("phase", [nb.Phase.ARMED, nb.Phase.RUNNING, nb.Phase.GATHERING])
async def test_a_worker_that_is_deleted_fails_its_pair_by_name(
    fleet: nb.WorkerFleet, kubernetes: Kubernetes, phase: nb.Phase
) -> None:
    """Its pair failed because of it; or was done before, when it was late."""
    run = await nb.Measurement(nb.Udp(), duration_s=4).start(fleet, nb.CrossNode())
    with anyio.move_on_after(10):
        await reached(run, phase)
    victim = fleet.workers[0].name
    await kubernetes.api.delete(f"{kubernetes.path('v1', 'pods')}/{victim}")
    result = await run.gather()
    if not result.complete:
        failure = result.failures[0].failure
        assert (failure.reason, failure.worker) == ("worker-lost", victim)
    else:
        assert phase is nb.Phase.GATHERING


async def test_a_kubelet_that_is_away_does_not_disturb_a_run(fleet: nb.WorkerFleet) -> None:
    """The pods run on without it."""
    run = await nb.Measurement(nb.Udp(), duration_s=4).start(fleet, nb.CrossNode())
    async with held("kubelet-n1"):
        assert (await run.gather()).complete


SCRIPT = """
import sys, anyio, netbench as nb
async def main():
    cluster = nb.Cluster.connect(kubeconfig=sys.argv[1], namespace=sys.argv[2])
    async with cluster:
        print("open", flush=True)
        async with nb.WorkerFleet(cluster, workers=2) as fleet:
            run = await nb.Measurement(nb.Udp(), duration_s=60).start(fleet, nb.CrossNode())
            async for event in run.events():
                print(type(event).__name__, getattr(getattr(event, "phase", None), "value", ""), flush=True)
anyio.run(main)
"""


@pytest.mark.parametrize("word", ["open", "RoundStarted", "Armed", "RoundFired"])
async def test_what_a_killed_controller_leaves_is_removed_by_cleanup_and_stops_by_itself(
    kubernetes: Kubernetes, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL in each phase. A live fleet beside it is not touched."""
    process = await anyio.open_process(
        [sys.executable, "-c", SCRIPT, kubernetes.kubeconfig, kubernetes.namespace], stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    said = ""
    while word not in said:
        said += (await process.stdout.receive()).decode()
    if word == "open":
        await until(lambda: made(kubernetes))
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    await process.aclose()
    assert await cleaning.clean(kubernetes.kubeconfig, None, kubernetes.namespace) == []
    if word == "RoundFired":
        # The workers' own deadline, without any help: their containers end when the Lease has run out.
        await until(lambda: all_restarted(kubernetes))
    # As if the Lease's time had passed, and the grace for clocks that differ.
    monkeypatch.setattr(removal, "_GRACE", removal._GRACE - removal._GRACE * 3)
    removed = await cleaning.clean(kubernetes.kubeconfig, None, kubernetes.namespace)
    assert len(removed) == 1
    assert await kubernetes.leftovers() == []


async def made(kubernetes: Kubernetes) -> bool:
    """Whether the fleet's Lease is there."""
    return bool(await kubernetes.items("coordination.k8s.io/v1", "leases"))


async def all_restarted(kubernetes: Kubernetes) -> bool:
    """Whether every worker has ended once."""
    pods = await kubernetes.items("v1", "pods")
    states = [each["status"].get("containerStatuses") or [{}] for each in pods]
    return bool(states) and all(
        state[0].get("restartCount", 0) or "terminated" in state[0].get("state", {}) for state in states
    )


async def until(condition: Callable[[], Awaitable[bool]], timeout_s: float = 60) -> None:
    """Wait until it is so."""
    with anyio.fail_after(timeout_s):
        while not await condition():
            await anyio.sleep(0.2)
