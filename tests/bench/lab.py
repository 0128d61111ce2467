"""P12: wall time around a plan of 10 s with two pairs on the lab's cluster, from command to prompt."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from tests.bench.harness import Line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.bench.harness import Options

_DURATION_S = 10
_PLAN = """\
name: p12
steps:
- measurements:
  - Identifier: net
    Method: NetworkPerformanceMetrics
    Params: {{action: start, duration: {duration}s, protocol: TCP, numberOfServers: 2, numberOfClients: 2}}
- measurements:
  - {{Identifier: net, Method: NetworkPerformanceMetrics, Params: {{action: gather}}}}
"""


async def run(options: Options) -> list[Line]:
    """Run the plan with the images present; the first run is not counted."""
    return await anyio.to_thread.run_sync(partial(_run, options))


def _run(options: Options) -> list[Line]:
    took: list[float] = []
    with lab_up() as kubeconfig, tempfile.TemporaryDirectory() as directory:
        plan = Path(directory) / "plan.yaml"
        plan.write_text(_PLAN.format(duration=_DURATION_S))
        command = [sys.executable, "-m", "netbench", "run", str(plan), "--kubeconfig", kubeconfig]
        for turn in range(options.rounds + 1):
            began = time.perf_counter()
            subprocess.run([*command, "--namespace", "default"], check=True, capture_output=True)
            if turn:
                took.append(time.perf_counter() - began)
            print(f"   {turn}/{options.rounds} {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
    median = statistics.median(took)
    figure = f"P12 a plan of {_DURATION_S} s, two pairs, command to prompt, s"
    return [Line(figure=figure, ours=median, peer="ClusterLoader2 53 to 55", target="<= 15", reached=median <= 15)]


@asynccontextmanager
async def open_lab() -> AsyncIterator[str]:
    """Do what :func:`lab_up` does, without holding up the event loop."""
    context = lab_up()
    kubeconfig = await anyio.to_thread.run_sync(context.__enter__)
    try:
        yield kubeconfig
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(partial(context.__exit__, None, None, None))


@contextmanager
def lab_up() -> Iterator[str]:
    """Have the lab's cluster up, and give its kubeconfig; one that was not up is taken down at the end."""
    lab = [sys.executable, "-m", "tests.e2e.lab"]
    named = os.environ.get("NETBENCH_E2E_KUBECONFIG")
    if named:
        yield named
        return
    was_up = subprocess.run([*lab, "status"], check=False, capture_output=True).returncode == 0
    up = subprocess.run([*lab, "up"], check=True, capture_output=True, text=True)
    try:
        yield up.stdout.strip()
    finally:
        if not was_up:
            subprocess.run([*lab, "down"], check=True, capture_output=True)
