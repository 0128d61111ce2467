"""Reaching into the namespaces of workers: packet filters, programs by hand, what is left on the machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netbench.topology import Worker

__all__ = (
    "DropRule",
    "cpu_limit",
    "drop",
    "frozen_each_second",
    "in_namespace",
    "kernel_setting",
    "link_rate",
    "machine_state",
    "paused",
    "queue_limit",
    "refuse",
    "send_signal",
)

#: Of cgroups' version 1: where processor time is limited.
_CPU_CGROUPS = Path("/sys/fs/cgroup/cpu")
_PERIOD_US = 100_000


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
    with _filtered(worker, "input", matches):
        yield DropRule(worker)


@contextmanager
def refuse(worker: Worker, *matches: str) -> Iterator[DropRule]:
    """Refuse to send what matches; who sends it is told so."""
    with _filtered(worker, "output", matches):
        yield DropRule(worker)


@contextmanager
def _filtered(worker: Worker, hook: str, matches: Sequence[str]) -> Iterator[None]:
    rules = "\n".join(f"    {match} counter name dropped drop" for match in matches)
    script = (
        "table inet netbench_test {\n  counter dropped { }\n  chain passing {\n"
        f"    type filter hook {hook} priority 0;\n{rules}\n  }}\n}}\n"
    )
    subprocess.run(in_namespace(worker, ["nft", "-f", "-"]), check=True, input=script.encode(), timeout=10)
    try:
        yield
    finally:
        # The namespace may be gone with its worker.
        subprocess.run(
            in_namespace(worker, ["nft", "delete", "table", "inet", "netbench_test"]),
            check=False,
            capture_output=True,
            timeout=10,
        )


@contextmanager
def kernel_setting(name: str, value: int) -> Iterator[None]:
    """Set one of the whole machine's settings, such as ``net/core/netdev_budget``, and set it back."""
    path = Path("/proc/sys") / name
    before = path.read_text()
    path.write_text(str(value))
    try:
        yield
    finally:
        path.write_text(before)


@contextmanager
def queue_limit(worker: Worker, rate_bps: int, queue_bytes: int) -> Iterator[None]:
    """Give a worker's own interface this rate and a queue that holds no more."""
    words = ["tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", f"{rate_bps}bit", "burst", "2000"]
    _inside(worker, [*words, "limit", str(queue_bytes)])
    try:
        yield
    finally:
        _inside(worker, ["tc", "qdisc", "del", "dev", "eth0", "root"])


def link_rate(worker: Worker, rate_bps: float) -> None:
    """Change the rate that the cluster gave to this worker's link."""
    words = ["tc", "qdisc", "change", "dev", "eth0", "root", "tbf", "rate", f"{round(rate_bps)}bit"]
    _inside(worker, [*words, "burst", "20000", "limit", "200000"])


def _inside(worker: Worker, command: Sequence[str]) -> None:
    subprocess.run(in_namespace(worker, command), check=True, capture_output=True, timeout=10)


@contextmanager
def cpu_limit(worker: Worker, processors: float) -> Iterator[None]:
    """Let a worker's process have no more of a processor than this (version 1 of cgroups).

    Raises:
        FileNotFoundError: This machine has no such cgroups.
    """
    assert worker.pid is not None
    group = _CPU_CGROUPS / f"netbench_test_{worker.pid}"
    home = _CPU_CGROUPS / _cpu_cgroup_of(worker.pid)
    if not (_CPU_CGROUPS / "cgroup.procs").exists():
        raise FileNotFoundError(_CPU_CGROUPS)
    group.mkdir()
    try:
        (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(round(processors * _PERIOD_US)))
        (group / "cgroup.procs").write_text(str(worker.pid))
        try:
            yield
        finally:
            # A process that is dead is in no group.
            with suppress(ProcessLookupError):
                (home / "cgroup.procs").write_text(str(worker.pid))
    finally:
        group.rmdir()


def _cpu_cgroup_of(pid: int) -> str:
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "cpu" in controllers.split(","):
            return path.lstrip("/")
    return ""


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


async def frozen_each_second(worker: Worker, frozen_s: float, freezes: list[tuple[int, int]] | None = None) -> None:
    """Stop a worker's process at the beginning of each second, until cancelled.

    Args:
        worker: The worker.
        frozen_s: How long each time; a busy machine makes it a little longer.
        freezes: Takes begin and end of each, in Unix nanoseconds.
    """
    while True:
        with paused(worker):
            began_ns = time.time_ns()
            await anyio.sleep(frozen_s)
        if freezes is not None:
            freezes.append((began_ns, time.time_ns()))
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
