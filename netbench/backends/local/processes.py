"""Worker processes: started, watched, and ended on every way out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import anyio
import attrs

from netbench.errors import BackendError

if TYPE_CHECKING:
    from pathlib import Path

    from anyio.abc import Process

__all__ = ("WorkerProcess", "start_worker", "worker_command")

#: A worker whose control connection is closed ends by itself, and takes its programs along; then there is no more
#: patience.
_END_TIMEOUT_S = 2.0
_KILL_TIMEOUT_S = 5.0
_LAST_WORDS_BYTES = 4000
_LAST_LINES = 3


@attrs.frozen(kw_only=True)
class WorkerProcess:
    """One worker's process.

    Attributes:
        name: The worker's name.
        node: The node that it is on.
        log: Where its standard error goes.
        process: The process.
    """

    name: str
    node: str
    log: Path
    process: Process

    async def wait(self) -> str:
        """Wait for its end and say how it ended, with its last words where there are any."""
        code = await self.process.wait()
        how = f"exit code {code}" if code >= 0 else f"signal {_signal_name(-code)}"
        words = _last_words(self.log)
        return f"ended with {how}" + (f"; its last words: {words}" if words else "")

    async def end(self) -> None:
        """Wait for it to end by itself, then kill it; also one that is stopped."""
        with anyio.move_on_after(_END_TIMEOUT_S, shield=True):
            await self.process.wait()
        if self.process.returncode is None:
            self.process.kill()
            with anyio.move_on_after(_KILL_TIMEOUT_S, shield=True):
                await self.process.wait()
        with anyio.CancelScope(shield=True):
            await self.process.aclose()


def worker_command(name: str, control: str, address: str, namespace: str | None) -> list[str]:
    """Give the command line that starts a worker with this Python."""
    inside = [] if namespace is None else ["--netns", namespace]
    # -P: the current directory must not put modules of its own in front.
    start = [sys.executable, "-P", "-m", "netbench.worker", "--name", name, "--control", control]
    return [*start, "--listen", address, *inside, "--parent", str(os.getpid())]


async def start_worker(*, name: str, node: str, log: Path, command: list[str]) -> WorkerProcess:
    """Start a worker.

    Raises:
        BackendError: It cannot be started.
    """
    # Workers import the same netbench, and the same everything, however this process came by it.
    search = [os.path.abspath(entry or os.curdir) for entry in sys.path]  # noqa: PTH100, ASYNC240 - no file is touched
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(search)}
    try:
        with log.open("wb") as output:
            process = await anyio.open_process(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=environment,
                start_new_session=True,
            )
    except OSError as error:
        msg = f"the worker {name} cannot be started with {command[0]}: {error.strerror}"
        raise BackendError(msg) from error
    return WorkerProcess(name=name, node=node, log=log, process=process)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _last_words(log: Path) -> str:
    try:
        with log.open("rb") as words:
            words.seek(max(0, log.stat().st_size - _LAST_WORDS_BYTES))
            text = words.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-_LAST_LINES:])
