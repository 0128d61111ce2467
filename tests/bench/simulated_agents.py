"""Worker agents of simulated nodes: ``python -m tests.bench.simulated_agents KUBECONFIG NAMESPACE FIRST LAST``.

The nodes have the numbers from FIRST to before LAST. The agents, their control and the sessions between them are real;
the pods exist only in the API server, and the traffic is a stub that waits for the window to pass.
"""

from __future__ import annotations

import gc
import resource
import sys
import tempfile
from pathlib import Path

import anyio
import anyio.to_thread

from netbench.backends.kubernetes.backend import ConnectSpec, open_api
from tests.e2e.kubernetes import Kubernetes
from tests.e2e.simulated import simulated_nodes
from tests.e2e.stub_traffic import stub_traffic

_FILES = 65_536


def allow_files() -> None:
    """Let this process have as many connections as thousands of workers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, _FILES)), hard))


async def main() -> None:
    """Serve until the standard input closes."""
    allow_files()
    # To look for cycles among hundreds of agents holds all of them up for half a second, which may fall on a start. A
    # worker of its own has a heap of its own.
    gc.disable()
    kubeconfig, namespace = sys.argv[1:3]
    numbers = range(int(sys.argv[3]), int(sys.argv[4]))
    spec = ConnectSpec(kubeconfig=kubeconfig, context=None, namespace=None)
    with tempfile.TemporaryDirectory() as directory, stub_traffic():
        async with (
            open_api(spec) as (api, _),
            simulated_nodes(Kubernetes(kubeconfig, namespace, api), numbers, Path(directory)),
        ):
            print("ready", flush=True)
            await anyio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)


if __name__ == "__main__":
    anyio.run(main)
