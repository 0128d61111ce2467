"""Fixtures of the tests against a real Kubernetes cluster: the lab's, or one that exists (NETBENCH_E2E_KUBECONFIG)."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import netbench as nb
from tests.e2e.kubernetes import Kubernetes, open_kubernetes
from tests.e2e.lab.programs import missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_ROOT = Path(__file__).parents[2]
#: The first start on a machine builds Kubernetes.
_UP_TIMEOUT_S = 1800


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests of a real cluster more time: pods start, and API servers are stopped for a while."""
    for item in items:
        if "e2e" in item.path.parts and not any(item.iter_markers("timeout")):
            item.add_marker(pytest.mark.timeout(240))


@pytest.fixture(scope="package")
def kubeconfig() -> Iterator[str]:
    """Give the kubeconfig of a cluster that runs; one that this starts is removed at the end."""
    named = os.environ.get("NETBENCH_E2E_KUBECONFIG")
    if named:
        yield named
        return
    lacking = missing()
    if lacking is not None:
        pytest.skip(f"no cluster: NETBENCH_E2E_KUBECONFIG is not set, and {lacking}")
    lab = [sys.executable, "-m", "tests.e2e.lab"]
    was_up = subprocess.run([*lab, "status"], check=False, capture_output=True, cwd=_ROOT, timeout=60).returncode == 0
    up = subprocess.run([*lab, "up"], check=False, capture_output=True, text=True, cwd=_ROOT, timeout=_UP_TIMEOUT_S)
    if up.returncode:
        pytest.fail(up.stderr)
    yield up.stdout.strip()
    if not was_up:
        subprocess.run([*lab, "down"], check=True, capture_output=True, cwd=_ROOT, timeout=120)


@pytest.fixture
def lab_only(kubeconfig: str) -> None:
    """Skip where the cluster is not the lab's, whose programs may be stopped."""
    if os.environ.get("NETBENCH_E2E_KUBECONFIG"):
        pytest.skip(f"the programs of the cluster of {kubeconfig} are not the tests' to stop")


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time."""
    return "asyncio"


@pytest.fixture
async def kubernetes(kubeconfig: str) -> AsyncIterator[Kubernetes]:
    """Give a namespace that takes restricted pods alone, and hold the test to leaving nothing of netbench's."""
    async with AsyncExitStack() as stack:
        kubernetes = await stack.enter_async_context(open_kubernetes(kubeconfig, f"e2e-{secrets.token_hex(4)}"))
        yield kubernetes
        assert await kubernetes.leftovers() == []


@pytest.fixture
def cluster(kubernetes: Kubernetes) -> nb.Cluster:
    """Give a cluster in the test's namespace, not open yet."""
    return nb.Cluster.connect(kubeconfig=kubernetes.kubeconfig, namespace=kubernetes.namespace)
