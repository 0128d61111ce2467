"""What controllers that died left behind: found by their run directories, and removed."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from netbench.backends.local import netns, programs, rundir

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

__all__ = ("Leftover", "control_argument", "find", "remove")


_PROC = Path("/proc")


@attrs.frozen(kw_only=True)
class Leftover:
    """What one dead controller left.

    Attributes:
        directory: Its run directory.
        namespaces: Its network namespaces.
        workers: Process ids of its workers that still run.
    """

    directory: Path
    namespaces: tuple[str, ...]
    workers: tuple[int, ...]

    def __str__(self) -> str:
        """Say it in words."""
        parts = [f"{len(self.namespaces)} network namespaces", f"{len(self.workers)} workers", str(self.directory)]
        return f"cluster {self.directory.name}: {', '.join(parts)}"


def control_argument(directory: Path, fleet: int) -> str:
    """Give the control socket of a fleet as workers have it in their command line, which is how they are found."""
    return f"unix:{directory}/control-{fleet}"


async def find() -> list[Leftover]:
    """List what dead controllers of this user left.

    Raises:
        MissingPermissionError: The directory of run directories is not this user's alone.
    """
    return [await _look(directory) for directory in rundir.dead_clusters()]


async def remove() -> list[Leftover]:
    """Remove what dead controllers of this user left; live ones' things are not touched.

    Returns:
        What was removed.

    Raises:
        BackendError: Something could not be removed; what could be is gone.
    """
    removed = []
    for directory in rundir.dead_clusters():
        with rundir.claim(directory) as mine:
            if mine:
                leftover = await _look(directory)
                for pid in leftover.workers:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                await netns.remove(directory.name)
                removed.append(leftover)
    return removed


async def _look(directory: Path) -> Leftover:
    prefix = control_argument(directory, 0).removesuffix("0")
    workers = [pid async for pid, command in _commands() if any(word.startswith(prefix) for word in command)]
    return Leftover(directory=directory, namespaces=tuple(netns.names_of(directory.name)), workers=tuple(workers))


async def _commands() -> AsyncIterator[tuple[int, list[str]]]:
    """Give the process id and command line of every process."""
    if _PROC.is_dir():  # noqa: ASYNC240 - the kernel answers at once
        for entry in _linux_commands():
            yield entry
        return
    for line in (await programs.run([programs.find("ps", "procps"), "-axww", "-o", "pid=,command="])).splitlines():
        pid, _, command = line.strip().partition(" ")
        yield int(pid), command.split()


def _linux_commands() -> Iterator[tuple[int, list[str]]]:
    for path in _PROC.glob("[0-9]*/cmdline"):
        # Processes end while they are listed.
        with suppress(OSError):
            yield int(path.parent.name), path.read_bytes().decode(errors="replace").split("\0")
