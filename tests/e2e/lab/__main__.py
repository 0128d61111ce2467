"""``python -m tests.e2e.lab up|down|status``: a Kubernetes cluster on this machine, for people and for tests."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import anyio

from tests.e2e.lab.cache import cache_directory
from tests.e2e.lab.certificates import ADMIN_KUBECONFIG
from tests.e2e.lab.cluster import lab
from tests.e2e.lab.programs import LabError, missing
from tests.e2e.lab.sweep import sweep

_RECORD = Path("/run/netbench-lab.pid")
_LOG = Path("/run/netbench-lab.log")
_READY = "ready\n"
#: The first start on a machine builds Kubernetes.
_UP_TIMEOUT_S = 1800.0
_DOWN_TIMEOUT_S = 60.0


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.lab", description=__doc__)
    parser.add_argument("action", choices=("up", "down", "status", "serve"), help="serve: stay in the foreground")
    parser.add_argument("--nodes", type=int, default=2)
    arguments = parser.parse_args()
    actions = {"up": _up, "down": _down, "status": _status, "serve": _serve}
    try:
        return actions[arguments.action](arguments)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def _up(arguments: argparse.Namespace) -> int:
    if _is_ready():
        print(ADMIN_KUBECONFIG)
        return 0
    lacking = missing()
    if lacking is not None:
        raise LabError(lacking)
    _down(arguments)
    command = [sys.executable, "-m", "tests.e2e.lab", "serve", "--nodes", str(arguments.nodes)]
    with _LOG.open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + _UP_TIMEOUT_S
    while not _is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            process.terminate()
            msg = f"the cluster did not start:\n{_LOG.read_text()[-3000:]}"
            raise LabError(msg)
        time.sleep(0.2)
    print(ADMIN_KUBECONFIG)
    return 0


def _down(_: argparse.Namespace) -> int:
    pid = _pid()
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _DOWN_TIMEOUT_S
        while _pid() is not None and time.monotonic() < deadline:
            time.sleep(0.1)
    sweep()
    _RECORD.unlink(missing_ok=True)
    return 0


def _status(_: argparse.Namespace) -> int:
    if _is_ready():
        print(f"up; kubeconfig {ADMIN_KUBECONFIG}, logs {cache_directory() / 'log'}")
        return 0
    print("starting" if _pid() is not None else "down")
    return 1


def _serve(arguments: argparse.Namespace) -> int:
    anyio.run(_run, arguments.nodes)
    return 0


async def _run(node_count: int) -> None:
    _RECORD.write_text(f"{os.getpid()}\n")
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_end_on_signal, group.cancel_scope)
            async with lab(node_count):
                _RECORD.write_text(f"{os.getpid()}\n{_READY}")
                await anyio.sleep_forever()
    finally:
        _RECORD.unlink(missing_ok=True)


async def _end_on_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()
            return


def _pid() -> int | None:
    try:
        pid = int(_RECORD.read_text().split()[0])
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        return None
    return pid


def _is_ready() -> bool:
    return _pid() is not None and _RECORD.read_text().endswith(_READY)


if __name__ == "__main__":
    sys.exit(main())
