"""What ``import netbench`` gives, and what it does not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

import netbench


def loaded_after(statement: str) -> set[str]:
    """Give the modules that a fresh process has loaded after a statement."""
    code = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", netbench.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """Loaded from its module when it is asked for."""
    assert getattr(netbench, name) is not None


def test_every_public_name_is_listed() -> None:
    """So that completion finds it."""
    assert set(netbench.__all__) <= set(dir(netbench))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As in any module."""
    with pytest.raises(AttributeError, match="no attribute 'Sctp'"):
        _ = netbench.Sctp


@pytest.mark.parametrize(
    "module", ["kubernetes_asyncio", "hdrh", "rich", "pandas", "numpy", "anyio", "attrs", "cattrs"]
)
def test_importing_netbench_does_not_load_what_only_some_need(module: str) -> None:
    """It stays fast."""
    assert module not in loaded_after("import netbench")


@pytest.mark.parametrize("module", ["kubernetes_asyncio", "hdrh", "rich", "pandas", "numpy"])
def test_a_worker_loads_only_what_travels_into_a_pod(module: str) -> None:
    """Pure Python, and little of it."""
    assert module not in loaded_after("import netbench.worker.__main__")


@pytest.mark.parametrize("name", ["hdrh", "rich", "pandas"])
def test_composing_a_measurement_loads_nothing_heavy(name: str) -> None:
    """Histograms and tables are loaded when the first one is read."""
    assert name not in loaded_after(
        "import netbench as nb; nb.Measurement(nb.Tcp()); nb.Cluster.local(); nb.WorkerFleet"
    )
