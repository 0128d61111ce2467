"""The command line against a real cluster."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import anyio
import pytest

from netbench.backends.kubernetes import cleaning, removal

if TYPE_CHECKING:
    from tests.e2e.kubernetes import Kubernetes

pytestmark = pytest.mark.anyio


class Command:
    """A running ``netbench``, and what it says on standard error."""

    def __init__(self, kubernetes: Kubernetes, *words: str) -> None:
        where = ["--kubeconfig", kubernetes.kubeconfig, "--namespace", kubernetes.namespace]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "netbench", *words, *where],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
        )

    async def until(self, word: str) -> None:
        """Wait until it has said this on standard error."""
        assert self._process.stderr is not None
        with anyio.fail_after(60):
            while word not in await anyio.to_thread.run_sync(self._process.stderr.readline):
                pass

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    async def end(self) -> tuple[int, str, str]:
        """Wait for its end, and give its exit code and what it said last."""
        out, err = await anyio.to_thread.run_sync(self._process.communicate)
        return self._process.returncode, out, err


async def test_measure_prints_progress_and_a_table(kubernetes: Kubernetes) -> None:
    """Pods ready, armed, sending; exit code 0."""
    code, out, err = await Command(kubernetes, "measure", "--workers", "2", "--duration", "1").end()
    assert (code, "complete" in out) == (0, True)
    for word in ("2 of 2 pods ready", "armed", "sending"):
        assert word in err


async def test_doctor_finds_nothing_missing(kubernetes: Kubernetes) -> None:
    """And changes nothing."""
    code, out, _ = await Command(kubernetes, "doctor").end()
    assert code == 0
    assert "missing" not in out


async def test_an_interrupt_keeps_what_was_measured_and_leaves_nothing(kubernetes: Kubernetes) -> None:
    """Exit code 130, with the table."""
    command = Command(kubernetes, "measure", "--workers", "2", "--duration", "60")
    await command.until("sending")
    # Something must have counted when it is stopped.
    await anyio.sleep(5)
    command.interrupt()
    code, out, _ = await command.end()
    assert (code, "stopped before its time" in out) == (130, True)
    assert await kubernetes.leftovers() == []


async def test_a_second_interrupt_leaves_at_once_and_says_what_removes_the_rest(
    kubernetes: Kubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that it prints is the one that works."""
    command = Command(kubernetes, "measure", "--workers", "2", "--duration", "60")
    await command.until("sending")
    command.interrupt()
    await anyio.sleep(0.3)
    began = time.monotonic()
    command.interrupt()
    code, _, err = await command.end()
    assert (code, time.monotonic() - began < 10) == (130, True)
    printed = re.search(r"netbench cleanup .*--namespace (\S+)", err)
    assert printed is not None
    assert printed[1] == kubernetes.namespace
    # As if its Lease's time had passed, and the grace for clocks that differ.
    monkeypatch.setattr(removal, "_GRACE", removal._GRACE - removal._GRACE * 3)
    assert len(await cleaning.clean(kubernetes.kubeconfig, None, kubernetes.namespace)) == 1
