"""Both halves of a driver that runs a program: what iperf2 and iperf3 have in common."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import anyio

from netbench.errors import DriverError
from netbench.metrics import SideReport
from netbench.worker.drivers.base import Offer
from netbench.worker.drivers.external import Finished, Program
from netbench.worker.drivers.ports import choose_port, is_open
from netbench.worker.threads import WorkThreads
from netbench.worker.timing import wait_until
from netbench.worker.usage import UsageMeter

if TYPE_CHECKING:
    from netbench.clock import Window
    from netbench.metrics import FlowRecord, Usage
    from netbench.worker.drivers.base import DriverTask

__all__ = ("Role", "Tool", "ToolClient", "ToolServer")

Role: TypeAlias = Literal["client", "server"]

_LISTEN_POLL_S = 0.01
#: What a program may take beyond the window to exchange its results.
_END_GRACE_S = 7.0
#: A server whose client is done prints at once, or never will by itself.
_SERVER_GRACE_S = 3.0
_VERSION_TIMEOUT_S = 5.0


class Tool(Protocol):
    """One program: how it is called, and what its output means."""

    @property
    def name(self) -> str:
        """The driver's name."""
        ...

    def check(self, task: DriverTask) -> None:
        """Refuse what the program cannot do.

        Raises:
            DriverError: It cannot do this.
        """
        ...

    def listens_on(self, task: DriverTask) -> str:
        """Give the protocol of the server's first port, ``tcp`` or ``udp``."""
        ...

    def arguments(self, task: DriverTask, role: Role, port: int) -> list[str]:
        """Give what follows the program's name."""
        ...

    def read(self, task: DriverTask, role: Role, finished: Finished) -> tuple[FlowRecord, ...]:
        """Read what the program printed.

        Raises:
            DriverError: It failed, or printed something else.
        """
        ...


class ToolServer:
    """Implements :class:`netbench.worker.drivers.base.ServerDriver` by a program."""

    def __init__(self, task: DriverTask, *, tool: Tool) -> None:
        tool.check(task)
        self._task = task
        self._tool = tool
        self._program: Program | None = None
        self._version = ""
        self._meter = UsageMeter()
        self._usage: Usage | None = None
        self._stopped = anyio.Event()

    async def listen(self) -> Offer:
        """Start the program and wait until it listens."""
        self._version = await _version(self._tool, self._task)
        port = choose_port(self._task.listen_host, self._task.request.data_port)
        arguments = self._tool.arguments(self._task, "server", port)
        self._program = program = Program([self._task.program, *arguments])
        await program.start()
        kind = self._tool.listens_on(self._task)
        while not is_open(port, kind):
            if not program.running:
                raise program.finished().failure()
            await anyio.sleep(_LISTEN_POLL_S)
        return Offer(ports=(port,))

    async def ready(self) -> None:
        """Nothing to wait for: the program's client connects when it starts."""

    async def run(self, window: Window, offset_ns: int) -> None:  # noqa: ARG002 - the program counts for itself
        """Wait until the program has served its client."""
        self._meter.start()
        program = self._listening()
        limit_s = (window.end_ns - self._task.clock.now_ns()) / 1e9 + _END_GRACE_S
        async with anyio.create_task_group() as group:
            group.start_soon(self._obey_stop, program)
            await program.wait(max(limit_s, _END_GRACE_S))
            group.cancel_scope.cancel()
        self._usage = self._meter.stop()

    def stop(self) -> None:
        """End soon: the client's program ends, and this one with it."""
        self._stopped.set()

    async def finish(self, client: SideReport) -> SideReport:  # noqa: ARG002 - each side's program tells its own
        """Report what the program printed."""
        return _report(self._tool, self._task, "server", self._listening(), self._version, self._usage)

    async def aclose(self) -> None:
        """End the program."""
        if self._program is not None:
            await self._program.aclose()

    async def _obey_stop(self, program: Program) -> None:
        await self._stopped.wait()
        await anyio.sleep(_SERVER_GRACE_S)
        program.interrupt()

    def _listening(self) -> Program:
        if self._program is None:
            msg = "the server was not asked to listen"
            raise DriverError(msg, reason="internal")
        return self._program


class ToolClient:
    """Implements :class:`netbench.worker.drivers.base.ClientDriver` by a program."""

    def __init__(self, task: DriverTask, *, tool: Tool) -> None:
        tool.check(task)
        self._task = task
        self._tool = tool
        self._program: Program | None = None
        self._version = ""
        self._threads = WorkThreads()
        self._meter = UsageMeter()
        self._usage: Usage | None = None

    async def connect(self, offer: Offer) -> None:
        """Get ready; the program itself connects only when it starts, for it starts to send at once."""
        self._version = await _version(self._tool, self._task)
        self._program = Program([self._task.program, *self._tool.arguments(self._task, "client", offer.ports[0])])

    async def run(self, window: Window) -> int:
        """Run the program over the window.

        Returns:
            The instant at which the program was started; it connects first, so its first byte is some round trips
            later.
        """
        clock, program = self._task.clock, self._connected()
        start = clock.monotonic_at_ns(window.start_ns)
        await self._threads.run([partial(_wait, start, self._threads)])
        self._meter.start()
        started_ns = clock.now_ns()
        await program.start()
        if self._threads.stop.is_set():
            program.interrupt()
        finished = await program.wait((window.end_ns - clock.now_ns()) / 1e9 + _END_GRACE_S)
        self._usage = self._meter.stop()
        if finished.code != 0 and not finished.ended_by_us:
            # Read for the program's own words, which its exit code does not tell.
            self._tool.read(self._task, "client", finished)
            raise finished.failure()
        return started_ns

    def stop(self) -> None:
        """Interrupt the program, which then prints what it has."""
        self._threads.stop.set()
        if self._program is not None and self._program.running:
            self._program.interrupt()

    async def finish(self) -> SideReport:
        """Report what the program printed."""
        return _report(self._tool, self._task, "client", self._connected(), self._version, self._usage)

    async def aclose(self) -> None:
        """End the program."""
        await self._threads.aclose()
        if self._program is not None:
            await self._program.aclose()

    def _connected(self) -> Program:
        if self._program is None:
            msg = "the client was not connected"
            raise DriverError(msg, reason="internal")
        return self._program


def _wait(start: int, threads: WorkThreads) -> None:
    wait_until(start, threads.stop)


def _report(
    tool: Tool, task: DriverTask, role: Role, program: Program, version: str, usage: Usage | None
) -> SideReport:
    if usage is None:
        msg = "the report was asked for before the run"
        raise DriverError(msg, reason="internal")
    finished = program.finished()
    records = tool.read(task, role, finished)
    return SideReport(records=records, usage=usage, tool=f"{tool.name} {version}", command=finished.command)


async def _version(tool: Tool, task: DriverTask) -> str:
    program = Program([task.program, "--version"])
    try:
        await program.start()
        finished = await program.wait(_VERSION_TIMEOUT_S)
    finally:
        with anyio.CancelScope(shield=True):
            await program.aclose()
    match = re.search(r"iperf (?:version )?([0-9][\w.+-]*)", finished.output + finished.complaint)
    if match is None:
        said = finished.output[:80]
        msg = f"{task.program} does not say that it is an iperf, which the driver {tool.name} needs: {said!r}"
        raise DriverError(msg, reason="program-failed")
    return match[1]
