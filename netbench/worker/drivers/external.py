"""External programs: found, run with a deadline, and ended by a ladder of signals, whatever they think of it.

What a program prints goes to files without names, so that nothing has to be read while it runs and nothing is left
behind. On Linux the kernel kills it when this worker dies, by way of setpriv(1) where that is installed.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import IO, TYPE_CHECKING

import anyio
import attrs

from netbench.errors import DriverError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyio.abc import Process

__all__ = ("Finished", "Program", "find_programs")

#: Each driver's program and Debian's package of it.
PROGRAMS = {"iperf2": ("iperf", "iperf"), "iperf3": ("iperf3", "iperf3")}
#: What ends a program, and how long each step may take. iperf2 is known to survive SIGTERM in some modes.
_LADDER = ((signal.SIGINT, 1.0), (signal.SIGTERM, 1.0), (signal.SIGKILL, 3.0))
_OUTPUT_MAX_BYTES = 256 * 2**20
_SHOWN_BYTES = 400


def find_programs() -> dict[str, str]:
    """Give each external driver whose program is installed, with its path."""
    found = {driver: shutil.which(program) for driver, (program, _) in PROGRAMS.items()}
    return {driver: path for driver, path in found.items() if path is not None}


@attrs.frozen(kw_only=True)
class Finished:
    """How a program ended.

    Attributes:
        command: Its command line.
        code: Its exit code; negative is the signal that killed it.
        output: What it printed.
        complaint: What it printed to standard error.
        ended_by_us: Whether we told it to end.
    """

    command: str
    code: int
    output: str
    complaint: str
    ended_by_us: bool

    def failure(self, words: str = "") -> DriverError:
        """Make the error that quotes the program."""
        said = (words or self.complaint.strip() or self.output.strip()[-_SHOWN_BYTES:] or "nothing").replace(
            "\n", " / "
        )
        how = f"exit code {self.code}" if self.code >= 0 else f"signal {-self.code}"
        msg = f"{self.command!r} ended with {how} and said: {said[:_SHOWN_BYTES]}"
        taken = "in use" in said
        return DriverError(msg, reason="port-taken" if taken else "program-failed")


class Program:
    """One run of an external program. Call :meth:`aclose` whatever happens."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._process: Process | None = None
        self._ended_by_us = False
        self._files: tuple[IO[bytes], IO[bytes]] | None = None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it.

        Raises:
            DriverError: It is not installed, or cannot be started.
        """
        if not self._command[0]:
            msg = "the program is not installed on this worker"
            raise DriverError(msg, reason="program-missing")
        output, complaint = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - closed by aclose
        self._files = (output, complaint)
        try:
            self._process = await anyio.open_process(
                [*_die_with_worker(), *self._command], stdin=subprocess.DEVNULL, stdout=output, stderr=complaint
            )
        except OSError as error:
            msg = f"{self._command[0]} cannot be started: {error.strerror}"
            raise DriverError(msg, reason="program-missing") from error

    async def wait(self, timeout_s: float) -> Finished:
        """Wait for its end; when it does not come in time, end it.

        Raises:
            DriverError: It did not end in time.
        """
        process = self._started()
        with anyio.move_on_after(timeout_s):
            await process.wait()
        if process.returncode is None:
            late = not self._ended_by_us
            await self.end()
            if late:
                msg = f"{self._shown()!r} did not end within {timeout_s:.1f} s and was killed"
                raise DriverError(msg, reason="timeout")
        return self.finished()

    def interrupt(self) -> None:
        """Ask it to end and to print what it has."""
        self._ended_by_us = True
        self._signal(signal.SIGINT)

    async def end(self) -> None:
        """End it, however long it resists."""
        for number, patience_s in _LADDER:
            if not self.running:
                return
            self._signal(number)
            with anyio.move_on_after(patience_s, shield=True):
                await self._started().wait()

    def finished(self) -> Finished:
        """Give what it left.

        Raises:
            DriverError: It printed more than anybody can want.
        """
        process = self._started()
        assert self._files is not None  # noqa: S101 - opened before the process
        assert process.returncode is not None  # noqa: S101 - waited for
        output, complaint = (self._read(file) for file in self._files)
        return Finished(
            command=self._shown(),
            code=process.returncode,
            output=output,
            complaint=complaint,
            ended_by_us=self._ended_by_us,
        )

    async def aclose(self) -> None:
        """End it, and close its files."""
        if self._process is not None:
            await self.end()
            await self._process.aclose()
        for file in self._files or ():
            file.close()

    def _read(self, file: IO[bytes]) -> str:
        file.seek(0)
        content = file.read(_OUTPUT_MAX_BYTES + 1)
        if len(content) > _OUTPUT_MAX_BYTES:
            msg = f"{self._shown()!r} printed more than {_OUTPUT_MAX_BYTES} bytes; use a longer interval_s"
            raise DriverError(msg, reason="program-failed")
        return content.decode(errors="replace")

    def _shown(self) -> str:
        return " ".join(self._command)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _started(self) -> Process:
        if self._process is None:
            msg = f"{self._shown()!r} was not started"
            raise DriverError(msg, reason="internal")
        return self._process


def _die_with_worker() -> list[str]:
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [] if setpriv is None else [setpriv, "--pdeathsig", "KILL", "--"]
