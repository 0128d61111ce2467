"""P9: what a pair costs the API server and the controller, for 50, 500, ... pairs of real agents with stub traffic."""

from __future__ import annotations

import os
import re
import resource
import secrets
import statistics
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

import netbench as nb
from netbench.histogram import Histogram
from tests.bench.harness import Line
from tests.bench.lab import lab_up
from tests.e2e.kubernetes import open_kubernetes
from tests.e2e.simulated import SELECTOR

if TYPE_CHECKING:
    from tests.bench.harness import Options
    from tests.e2e.kubernetes import Kubernetes

_COUNTED = re.compile(r"^apiserver_request_total\{(?P<labels>[^}]*)\} (?P<count>\S+)$", re.MULTILINE)
_READY_S, _DURATION_S = 600.0, 10.0
_MIB = 2**20


async def run(options: Options) -> list[Line]:
    """Measure each size once, in rising order, with a namespace and agents of its own."""
    lines: list[Line] = []
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
    context = lab_up()
    kubeconfig = await anyio.to_thread.run_sync(context.__enter__)
    try:
        for pairs in options.sizes:
            async with open_kubernetes(kubeconfig, f"bench-{secrets.token_hex(3)}") as kubernetes:
                lines += await _measured(kubernetes, pairs)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(partial(context.__exit__, None, None, None))
    return lines


async def _measured(kubernetes: Kubernetes, pairs: int) -> list[Line]:
    command = [sys.executable, "-m", "tests.bench.simulated_agents", kubernetes.kubeconfig, kubernetes.namespace]
    process = await anyio.open_process(command, stderr=None)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert (await process.stdout.receive()).startswith(b"ready")
        return await _fleet(kubernetes, pairs)
    finally:
        with anyio.CancelScope(shield=True):
            await process.stdin.aclose()
            await process.wait()


async def _fleet(kubernetes: Kubernetes, pairs: int) -> list[Line]:
    cluster = nb.Cluster.connect(kubeconfig=kubernetes.kubeconfig, namespace=kubernetes.namespace)
    began = _Costs.now(await _requests(kubernetes))
    fleet = nb.WorkerFleet(cluster, workers=2 * pairs, node_selector=SELECTOR, ready_timeout_s=_READY_S)
    async with cluster, fleet:
        placed = _Costs.now(await _requests(kubernetes))
        measurement = nb.Measurement(
            nb.Udp(rate_pps=10), duration_s=_DURATION_S, interval_s=1, arm_timeout_s=300, gather_timeout_s=300
        )
        run = await measurement.start(fleet, nb.CrossNode())
        fired_s = ended_s = 0.0
        async for event in run.events():
            if isinstance(event, nb.RoundFired):
                fired_s = time.monotonic() - placed.at_s
                ended_s = time.monotonic() + event.starts_in_s + event.lasts_s
        result = await run.gather()
        gathered_s = time.monotonic() - ended_s
        done = _Costs.now(await _requests(kubernetes))
        latest_s = max((pair.start_lateness_s for pair in result.pairs), default=float("nan"))
        merge_s = _merge_s(result)
    whole = _Costs.now(await _requests(kubernetes))
    name = f"P9 {pairs} pairs"
    calls = (whole.requests - began.requests) / pairs
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MIB
    ran = (done.requests - placed.requests) / pairs
    ran_s, all_s = done.server_s - placed.server_s, whole.server_s - began.server_s
    count = len(result.pairs)
    for failure in result.failures[:3]:
        print(f"   {failure}", file=sys.stderr, flush=True)
    return [
        Line(figure=f"{name}: complete", ours=count, target=f"{pairs}", reached=count == pairs),
        Line(figure=f"{name}: all armed after, s", ours=fired_s),
        Line(figure=f"{name}: latest start, ms", ours=latest_s * 1e3),
        Line(figure=f"{name}: all results after the end, s", ours=gathered_s),
        Line(figure=f"{name}: requests a pair, armed to gathered", ours=ran, target="<= 12", reached=ran <= 12),
        Line(figure=f"{name}: requests a pair, pods and clean-up too", ours=calls, peer="ClusterLoader2 19 to 25"),
        Line(figure=f"{name}: API server CPU a pair, of the run, ms", ours=ran_s / pairs * 1e3),
        Line(figure=f"{name}: API server CPU a pair, in all, ms", ours=all_s / pairs * 1e3),
        Line(figure=f"{name}: controller CPU, s", ours=whole.controller_s - began.controller_s),
        Line(figure=f"{name}: controller RSS, MiB", ours=rss, target="< 200", reached=rss < 200),
        Line(figure=f"{name}: merging all histograms, s", ours=merge_s, target="< 0.5", reached=merge_s < 0.5),
    ]


class _Costs:
    """What was spent so far."""

    def __init__(self, at_s: float, requests: float, server_s: float, controller_s: float) -> None:
        self.at_s, self.requests, self.server_s, self.controller_s = at_s, requests, server_s, controller_s

    @classmethod
    def now(cls, requests: float) -> _Costs:
        return cls(time.monotonic(), requests, _server_s(), time.process_time())


async def _requests(kubernetes: Kubernetes) -> float:
    """Give how many calls about the objects of a fleet the API server has answered, watches left out."""
    reply = await kubernetes.api.transport.send(
        "GET", "/metrics", body=None, content_type="application/json", timeout_s=60
    )
    resources = ("networktestrequests", "pods", "deployments", "replicasets", "configmaps", "secrets", "rolebindings")
    return sum(
        float(match["count"])
        for match in _COUNTED.finditer(reply.body.decode())
        if any(f'resource="{each}"' in match["labels"] for each in (*resources, "roles", "serviceaccounts"))
        and 'verb="WATCH"' not in match["labels"]
    )


def _server_s() -> float:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if b"kube-apiserver" in b" ".join(words[:2]):
                return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return float("nan")


def _merge_s(result: nb.Result) -> float:
    times = []
    for _ in range(3):
        began = time.perf_counter()
        found: list[Histogram] = [pair.one_way_delay for pair in result.pairs if pair.one_way_delay is not None]
        Histogram.merged(found)
        times.append(time.perf_counter() - began)
    return statistics.median(times)
