"""Removing whatever of a lab is on this machine, also of one that was killed."""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.lab.layout import BRIDGE, RUN, nodes
from tests.e2e.lab.node import CGROUPS
from tests.e2e.lab.programs import LabError, run

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("sweep",)

_NODES_MAX = 9
_END_TIMEOUT_S = 10.0


def sweep() -> None:
    """End its processes, unmount its mounts, remove its namespaces, cgroups, links and files; nothing of others."""
    deadline = time.monotonic() + _END_TIMEOUT_S
    while (left := [*_in_cgroups(), *_by_command_line()]) and time.monotonic() < deadline:
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((each for each in mounted if each.startswith(f"{RUN}/")), reverse=True):
        _try("umount", "-l", mount)
    _remove_pod_namespaces()
    for node in nodes(_NODES_MAX):
        _try("ip", "netns", "del", node.netns)
        _try("ip", "link", "del", node.link)
    _try("ip", "link", "del", BRIDGE)
    _remove_cgroups()
    shutil.rmtree(RUN, ignore_errors=True)


def _remove_pod_namespaces() -> None:
    """CNI names the namespaces of pods itself; a lab notes them while it runs."""
    for node in nodes(_NODES_MAX):
        for network in (node.directory / "ipam" / "pods").glob("198.*"):
            with suppress(OSError):
                # The address' file names the container that has it; its namespace is mounted under a random name.
                network.unlink()
    runtime = Path("/run/netns")
    for namespace in runtime.glob("cni-*") if runtime.exists() else ():
        # Those that no process is in any more are left over; containerd's names are its own everywhere.
        if not _used(namespace):
            _try("ip", "netns", "del", namespace.name)


def _used(namespace: Path) -> bool:
    try:
        inode = namespace.stat().st_ino
    except OSError:
        return True
    return any(_inode(entry) == inode for entry in Path("/proc").glob("[0-9]*"))


def _inode(process: Path) -> int | None:
    try:
        return (process / "ns" / "net").stat().st_ino
    except OSError:
        return None


def _by_command_line() -> Iterator[int]:
    """Give the processes whose command line names the lab's directory: all components, and containerd's shims."""
    needle = f"{RUN}/".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int(entry.name) != os.getpid() and needle in (entry / "cmdline").read_bytes():
                yield int(entry.name)


def _in_cgroups() -> Iterator[int]:
    for directory in _cgroups():
        with suppress(OSError):
            yield from map(int, (directory / "cgroup.procs").read_text().split())


def _cgroups() -> list[Path]:
    found: list[Path] = []
    for node in nodes(_NODES_MAX):
        for root in (CGROUPS / node.cgroup, *CGROUPS.glob(f"*/{node.cgroup}")):
            if root.is_dir():
                found += [Path(directory) for directory, _, _ in os.walk(root)]
    return found


def _remove_cgroups() -> None:
    for directory in sorted(_cgroups(), key=lambda path: len(path.parts), reverse=True):
        with suppress(OSError):
            directory.rmdir()


def _try(*command: str) -> None:
    with suppress(LabError):
        run(command)
