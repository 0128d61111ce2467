"""Programs that run for as long as the lab does, started again when they end."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import anyio
import anyio.abc

from netbench.tasks import background_tasks
from tests.e2e.lab.cache import cache_directory
from tests.e2e.lab.layout import RUN
from tests.e2e.lab.programs import LabError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

__all__ = ("hold_file", "log_file", "pid_file", "running", "until")

_STOP_TIMEOUT_S = 10.0
_POLL_S = 0.1


def pid_file(name: str) -> Path:
    """Give the file with the process id of a program that runs."""
    return RUN / f"{name}.pid"


def hold_file(name: str) -> Path:
    """Give the file that, while it is there, keeps the program from being started again."""
    return RUN / f"{name}.hold"


def log_file(name: str) -> Path:
    """Give the file with the program's words."""
    # Not among what is removed: after a failure the words of its programs are what people look for.
    return cache_directory() / "log" / f"{name}.log"


@asynccontextmanager
async def running(name: str, command: Sequence[str]) -> AsyncIterator[None]:
    """Keep a program running, and end it at the end.

    Tests end a program and hold it back with :func:`pid_file` and :func:`hold_file`.
    """
    log_file(name).parent.mkdir(parents=True, exist_ok=True)
    log_file(name).unlink(missing_ok=True)
    async with background_tasks() as group:
        group.start_soon(_keep, name, command)
        yield


async def _keep(name: str, command: Sequence[str]) -> None:
    while True:
        with log_file(name).open("ab") as log:
            process = await anyio.open_process(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        pid_file(name).write_text(str(process.pid))
        try:
            await process.wait()
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process)
            pid_file(name).unlink(missing_ok=True)
        while hold_file(name).exists():
            await anyio.sleep(_POLL_S)
        await anyio.sleep(_POLL_S)


async def _end(process: anyio.abc.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
        with anyio.move_on_after(_STOP_TIMEOUT_S):
            await process.wait()


async def until(what: str, ready: Callable[[], Awaitable[bool]], timeout_s: float = 60.0) -> None:
    """Wait until something is so.

    Raises:
        LabError: It is not, within the time.
    """
    with anyio.move_on_after(timeout_s):
        while not await ready():
            await anyio.sleep(_POLL_S)
        return
    msg = f"{what}: not within {timeout_s:g} s; the logs are in {cache_directory() / 'log'}"
    raise LabError(msg)
