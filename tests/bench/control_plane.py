"""P9: what a pair costs the API server and the controller, for 50, 500, ... pairs of real agents with stub traffic."""

from __future__ import annotations

import os
import re
import resource
import secrets
import statistics
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import attrs

import netbench as nb
from netbench.histogram import Histogram
from tests.bench.harness import Line
from tests.bench.lab import open_lab
from tests.e2e.kubernetes import open_kubernetes
from tests.e2e.simulated import SELECTOR

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.bench.harness import Options
    from tests.e2e.kubernetes import Kubernetes

_COUNTED = re.compile(r"^apiserver_request_total\{(?P<labels>[^}]*)\} (?P<count>\S+)$", re.MULTILINE)
_READY_S, _DURATION_S = 600.0, 10.0
_IDLE_S = 10.0
_NODES, _PROCESSES = 26, 2
#: Milliseconds of the API server's processor for a pair of ClusterLoader2's, from the first request to the last result,
#: and the least in all, on the same machine with simulated workers.
_PEERS = {50: 3.0, 500: 11.0, 1000: 18.0}
_PEER_ALL_MS = 63.0
_MIB = 2**20


async def run(options: Options) -> list[Line]:
    """Measure each size once, in rising order, with a namespace and agents of its own."""
    lines: list[Line] = []
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
    async with open_lab() as kubeconfig:
        for pairs in options.sizes:
            async with open_kubernetes(kubeconfig, f"bench-{secrets.token_hex(3)}") as kubernetes:
                lines += await _measured(kubernetes, pairs)
    return lines


async def _measured(kubernetes: Kubernetes, pairs: int) -> list[Line]:
    per_process = _NODES // _PROCESSES
    async with AsyncExitStack() as stack:
        for first in range(0, _NODES, per_process):
            await stack.enter_async_context(_agents(kubernetes, first, first + per_process))
        return await _fleet(kubernetes, pairs)


@asynccontextmanager
async def _agents(kubernetes: Kubernetes, first: int, last: int) -> AsyncIterator[None]:
    module = [sys.executable, "-m", "tests.bench.simulated_agents"]
    command = [*module, kubernetes.kubeconfig, kubernetes.namespace, str(first), str(last)]
    process = await anyio.open_process(command, stderr=None)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert (await process.stdout.receive()).startswith(b"ready")
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await process.stdin.aclose()
            await process.wait()


async def _fleet(kubernetes: Kubernetes, pairs: int) -> list[Line]:
    cluster = nb.Cluster.connect(kubeconfig=kubernetes.kubeconfig, namespace=kubernetes.namespace)
    costs = _Costs(kubernetes, await _idle_share())
    await costs.take("begin")
    fleet = nb.WorkerFleet(cluster, workers=2 * pairs, node_selector=SELECTOR, ready_timeout_s=_READY_S)
    async with cluster, fleet:
        await costs.take("placed")
        measurement = nb.Measurement(
            nb.Udp(rate_pps=10), duration_s=_DURATION_S, interval_s=1, arm_timeout_s=300, gather_timeout_s=300
        )
        run = await measurement.start(fleet, nb.CrossNode())
        fired_s = ended_s = 0.0
        missing = pairs
        async for event in run.events():
            if isinstance(event, nb.RoundFired):
                fired_s = time.monotonic()
                ended_s = fired_s + event.starts_in_s + event.lasts_s
            missing -= isinstance(event, nb.PairDone | nb.PairFailed)
            if not missing:
                break
        await costs.take("told")
        result = await run.gather()
        latest_s = max((pair.start_lateness_s for pair in result.pairs), default=float("nan"))
        merge_s = _merge_s(result)
        await costs.take("gathered")
    await costs.take("end")
    for failure in result.failures[:3]:
        print(f"   {failure}", file=sys.stderr, flush=True)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MIB
    whole, run_cost = costs.between("begin", "end"), costs.between("placed", "told")
    name, count = f"P9 {pairs} pairs", len(result.pairs)
    calls, server_ms = run_cost.requests / pairs, run_cost.server_s / pairs * 1e3
    peers = _PEERS.get(pairs)
    half = None if peers is None else peers / 2
    return [
        Line(figure=f"{name}: complete", ours=count, target=f"{pairs}", reached=count == pairs),
        Line(figure=f"{name}: workers placed after, s", ours=costs.at_s["placed"] - costs.at_s["begin"]),
        Line(figure=f"{name}: all armed after, s", ours=fired_s - costs.at_s["placed"]),
        Line(figure=f"{name}: latest start, ms", ours=latest_s * 1e3),
        Line(figure=f"{name}: all results after the end, s", ours=costs.at_s["told"] - ended_s),
        Line(figure=f"{name}: requests a pair, first request to last result", ours=calls),
        Line(
            figure=f"{name}: requests a pair, pods and clean-up too",
            ours=whole.requests / pairs,
            peer="ClusterLoader2 19 to 25",
        ),
        Line(
            figure=f"{name}: API server CPU a pair, first request to last result, ms",
            ours=server_ms,
            peer="" if peers is None else f"ClusterLoader2 {peers:g}",
            ratio=None if peers is None else server_ms / peers,
            target="" if half is None else f"<= {half:g}",
            reached=None if half is None else server_ms <= half,
        ),
        Line(
            figure=f"{name}: API server CPU a pair, in all, ms",
            ours=whole.server_s / pairs * 1e3,
            peer="ClusterLoader2 63 to 75",
            ratio=whole.server_s / pairs * 1e3 / _PEER_ALL_MS,
            target=f"<= {_PEER_ALL_MS / 2:g}",
            reached=whole.server_s / pairs * 1e3 <= _PEER_ALL_MS / 2,
        ),
        Line(figure=f"{name}: controller CPU, s", ours=whole.controller_s),
        Line(figure=f"{name}: controller RSS, MiB", ours=rss, target="< 200", reached=rss < 200),
        Line(figure=f"{name}: merging all histograms, s", ours=merge_s, target="< 0.5", reached=merge_s < 0.5),
    ]


@attrs.frozen(kw_only=True)
class _Cost:
    requests: float
    server_s: float
    controller_s: float


class _Costs:
    """What was spent until each of some moments.

    What the looking itself costs the API server is left out, and what it uses when nobody measures.
    """

    def __init__(self, kubernetes: Kubernetes, idle_share: float) -> None:
        self._kubernetes = kubernetes
        self._idle_share = idle_share
        self._spent: dict[str, _Cost] = {}
        self._looking_s = 0.0
        self.at_s: dict[str, float] = {}

    async def take(self, moment: str) -> None:
        self.at_s[moment] = time.monotonic()
        server_s, controller_s = _server_s(), time.process_time()
        requests = await _requests(self._kubernetes)
        self._spent[moment] = _Cost(
            requests=requests,
            server_s=server_s - self._looking_s - self._idle_share * self.at_s[moment],
            controller_s=controller_s,
        )
        self._looking_s += _server_s() - server_s

    def between(self, first: str, last: str) -> _Cost:
        begin, end = self._spent[first], self._spent[last]
        return _Cost(
            requests=end.requests - begin.requests,
            server_s=end.server_s - begin.server_s,
            controller_s=end.controller_s - begin.controller_s,
        )


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


async def _idle_share() -> float:
    """Give the share of a processor that the API server uses for nodes and controllers alone."""
    began_s, began = time.monotonic(), _server_s()
    await anyio.sleep(_IDLE_S)
    return (_server_s() - began) / (time.monotonic() - began_s)


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
