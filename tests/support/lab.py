"""Reaching into the namespaces of workers: packet filters, programs by hand, what is left on the machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netbench.topology import Worker

__all__ = ("DropRule", "drop", "frozen_each_second", "in_namespace", "machine_state", "paused", "send_signal")


def in_namespace(worker: Worker, command: Sequence[str]) -> list[str]:
    """Give the command that runs this one in the worker's network namespace."""
    return ["nsenter", f"--net=/proc/{worker.pid}/ns/net", *command]


class DropRule:
    """A packet filter rule in a worker's namespace, with the kernel's count of what it dropped."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def dropped(self) -> int:
        """Give how many packets the rule has dropped."""
        listing = subprocess.run(
            in_namespace(self._worker, ["nft", "-j", "list", "counter", "inet", "netbench_test", "dropped"]),
            check=True,
            capture_output=True,
            timeout=10,
        )
        objects: list[dict[str, Any]] = json.loads(listing.stdout)["nftables"]
        return next(int(entry["counter"]["packets"]) for entry in objects if "counter" in entry)


@contextmanager
def drop(worker: Worker, *matches: str) -> Iterator[DropRule]:
    """Drop what reaches this worker's namespace and matches, in nft's words; count it."""
    rules = "\n".join(f"    {match} counter name dropped drop" for match in matches)
    script = (
        "table inet netbench_test {\n  counter dropped { }\n  chain incoming {\n"
        f"    type filter hook input priority 0;\n{rules}\n  }}\n}}\n"
    )
    subprocess.run(in_namespace(worker, ["nft", "-f", "-"]), check=True, input=script.encode(), timeout=10)
    try:
        yield DropRule(worker)
    finally:
        # The namespace may be gone with its worker.
        subprocess.run(
            in_namespace(worker, ["nft", "delete", "table", "inet", "netbench_test"]),
            check=False,
            capture_output=True,
            timeout=10,
        )


def send_signal(worker: Worker, number: signal.Signals) -> None:
    """Send a signal to a worker's process."""
    assert worker.pid is not None
    os.kill(worker.pid, number)


@contextmanager
def paused(worker: Worker) -> Iterator[None]:
    """Stop a worker's process for as long as the context lasts."""
    send_signal(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        # It may have been killed meanwhile.
        with suppress(ProcessLookupError):
            send_signal(worker, signal.SIGCONT)


async def frozen_each_second(worker: Worker, frozen_s: float) -> None:
    """Stop a worker's process at the beginning of each second, until cancelled."""
    while True:
        with paused(worker):
            await anyio.sleep(frozen_s)
        await anyio.sleep(1 - frozen_s)


def machine_state() -> dict[str, list[str]]:
    """Give what a measurement could leave behind: namespaces, interfaces, workers, files."""
    namespaces = Path("/run/netns")
    return {
        "namespaces": sorted(entry.name for entry in namespaces.iterdir()) if namespaces.exists() else [],
        "interfaces": sorted(entry.name for entry in Path("/sys/class/net").iterdir()),
        "processes": sorted(_processes()),
        "files": sorted(str(path) for path in Path("/tmp").glob("netbench*/*")),  # noqa: S108 - looked at, not used
    }


def _processes() -> Iterator[str]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if "netbench.worker" in words or Path(words[0]).name in {"iperf", "iperf3"}:
                yield " ".join(words)
