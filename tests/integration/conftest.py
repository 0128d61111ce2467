"""Fixtures of the tests that run real workers and real traffic on this machine."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from tests.support.lab import machine_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """Hold every test to leaving the machine as it found it."""
    before = machine_state()
    yield
    assert machine_state() == before


@pytest.fixture
def namespaces() -> None:
    """Skip where network namespaces cannot be made, or the tools to look into them are missing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("network namespaces need Linux and root")
    for program in ("ip", "tc", "nft", "nsenter"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


@pytest.fixture
def iperf(namespaces: None) -> None:  # noqa: ARG001 - a fixture needs a fixture
    """Skip where the iperf programs are missing."""
    for program in ("iperf", "iperf3"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
