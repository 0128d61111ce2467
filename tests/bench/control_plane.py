"""P9: what a pair costs the API server and the controller, for 50, 500, ... pairs of real agents with stub traffic.

With ``--peer clusterloader2=PATH`` that program does the same in turn, see :mod:`tests.bench.clusterloader`.
"""

from __future__ import annotations

import resource
import secrets
import statistics
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import anyio

import netbench as nb
from netbench.histogram import Histogram
from tests.bench.api_costs import Costs
from tests.bench.clusterloader import run_clusterloader
from tests.bench.harness import Line
from tests.bench.lab import open_lab
from tests.bench.simulated_agents import allow_files
from tests.e2e.kubernetes import open_kubernetes
from tests.e2e.simulated import node_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tests.bench.harness import Options
    from tests.e2e.kubernetes import Kubernetes

_READY_S, _DURATION_S = 600.0, 10.0
_NODES, _PROCESSES = 26, 2
_PEER = "clusterloader2"
#: Milliseconds of the API server's processor for a pair of ClusterLoader2's, from the first request to the last result,
#: and the least in all, on another host of the same kind with simulated workers; for when it does not run here.
_PEERS = {50: 3.0, 500: 11.0, 1000: 18.0}
_PEER_ALL_MS = 63.0
#: Few pairs cost about as much as one of the API server's collections of garbage: so many runs have these in all.
_PAIRS_IN_ALL, _RUNS_MAX = 1500, 5
_MIB = 2**20


async def run(options: Options) -> list[Line]:
    """Measure each size in rising order, each time with a namespace and agents of its own."""
    lines: list[Line] = []
    allow_files()
    async with open_lab() as kubeconfig:
        for pairs in options.sizes:
            ours: list[Mapping[str, float]] = []
            theirs: list[Mapping[str, float]] = []
            for _ in range(max(1, min(_RUNS_MAX, _PAIRS_IN_ALL // pairs))):
                async with open_kubernetes(kubeconfig, f"bench-{secrets.token_hex(3)}") as kubernetes:
                    ours.append(await _measured(kubernetes, pairs))
                    _show("netbench", ours[-1])
                    if _PEER in options.peers:
                        peer = options.program(_PEER)
                        theirs.append(
                            await run_clusterloader(peer, kubernetes, pairs, nodes=_NODES, duration_s=_DURATION_S)
                        )
                        _show(_PEER, theirs[-1])
            lines += _lines(pairs, _medians(ours), _medians(theirs))
    return lines


def _show(name: str, found: Mapping[str, float]) -> None:
    shown = ", ".join(f"{figure} {value:,.4g}" for figure, value in found.items())
    print(f"   {name}: {shown}", file=sys.stderr, flush=True)


def _medians(runs: list[Mapping[str, float]]) -> dict[str, float]:
    return {figure: statistics.median(each[figure] for each in runs) for figure in (runs[0] if runs else ())}


async def _measured(kubernetes: Kubernetes, pairs: int) -> Mapping[str, float]:
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


async def _fleet(kubernetes: Kubernetes, pairs: int) -> Mapping[str, float]:
    cluster = nb.Cluster.connect(kubeconfig=kubernetes.kubeconfig, namespace=kubernetes.namespace)
    costs = await Costs.begin(kubernetes)
    await costs.take("begin")
    controller_s = time.process_time()
    placement = {node_name(number): (2 * pairs + number) // _NODES for number in range(_NODES)}
    fleet = nb.WorkerFleet(cluster, placement=placement, ready_timeout_s=_READY_S)
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
    await costs.take("end")
    for failure in result.failures[:3]:
        print(f"   {failure}", file=sys.stderr, flush=True)
    whole, run_cost = costs.between("begin", "end"), costs.between("placed", "told")
    return {
        "complete": len(result.pairs),
        "placed s": costs.at_s["placed"] - costs.at_s["begin"],
        "armed s": fired_s - costs.at_s["placed"],
        "latest ms": max((pair.start_lateness_s for pair in result.pairs), default=float("nan")) * 1e3,
        "gathered s": costs.at_s["told"] - ended_s,
        "run requests": run_cost.requests / pairs,
        "all requests": whole.requests / pairs,
        "run ms": run_cost.server_s / pairs * 1e3,
        "all ms": whole.server_s / pairs * 1e3,
        "controller s": time.process_time() - controller_s,
        "controller MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MIB,
        "merge s": _merge_s(result),
    }


def _lines(pairs: int, ours: Mapping[str, float], theirs: Mapping[str, float]) -> list[Line]:
    name = f"P9 {pairs} pairs"
    where = "" if theirs else " on another host"
    run_ms = theirs.get("run ms", _PEERS.get(pairs))
    run_requests, all_requests = theirs.get("run requests"), theirs.get("all requests")
    return [
        Line(
            figure=f"{name}: complete",
            ours=ours["complete"],
            target=f"{pairs}",
            reached=ours["complete"] == pairs,
        ),
        Line(figure=f"{name}: workers placed after, s", ours=ours["placed s"]),
        Line(figure=f"{name}: all armed after, s", ours=ours["armed s"]),
        Line(figure=f"{name}: latest start, ms", ours=ours["latest ms"]),
        Line(figure=f"{name}: all results after the end, s", ours=ours["gathered s"]),
        _against(f"{name}: requests a pair, first request to last result", ours["run requests"], run_requests, None),
        _against(f"{name}: requests a pair, pods and clean-up too", ours["all requests"], all_requests, None),
        _against(
            f"{name}: API server CPU a pair, first request to last result, ms", ours["run ms"], run_ms, 0.5, where
        ),
        _against(
            f"{name}: API server CPU a pair, in all, ms", ours["all ms"], theirs.get("all ms", _PEER_ALL_MS), 0.5, where
        ),
        Line(figure=f"{name}: controller CPU, s", ours=ours["controller s"]),
        Line(
            figure=f"{name}: controller RSS, MiB",
            ours=ours["controller MiB"],
            target="< 200",
            reached=ours["controller MiB"] < 200,
        ),
        Line(
            figure=f"{name}: merging all histograms, s",
            ours=ours["merge s"],
            target="< 0.5",
            reached=ours["merge s"] < 0.5,
        ),
    ]


def _against(figure: str, ours: float, theirs: float | None, share: float | None, where: str = "") -> Line:
    """Compare with ClusterLoader2, of whose figure no more than a share is to be reached."""
    if theirs is None:
        return Line(figure=figure, ours=ours)
    return Line(
        figure=figure,
        ours=ours,
        peer=f"ClusterLoader2 {theirs:.3g}{where}",
        ratio=ours / theirs,
        target="" if share is None else f"<= {theirs * share:.3g}",
        reached=None if share is None else ours <= theirs * share,
    )


def _merge_s(result: nb.Result) -> float:
    times = []
    for _ in range(3):
        began = time.perf_counter()
        found: list[Histogram] = [pair.one_way_delay for pair in result.pairs if pair.one_way_delay is not None]
        Histogram.merged(found)
        times.append(time.perf_counter() - began)
    return statistics.median(times)
