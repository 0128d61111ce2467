"""The server's half of the UDP driver."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from netbench.errors import DriverError
from netbench.metrics import SideReport
from netbench.tasks import together
from netbench.worker.drivers.base import Offer
from netbench.worker.drivers.native_udp.client import udp_of
from netbench.worker.drivers.native_udp.receiving import Receiving
from netbench.worker.drivers.native_udp.sockets import await_client, bind_streams, make_blocking
from netbench.worker.recording import Schedule
from netbench.worker.threads import WorkThreads
from netbench.worker.usage import UsageMeter

if TYPE_CHECKING:
    import socket

    from netbench.clock import Window
    from netbench.metrics import Usage
    from netbench.worker.drivers.base import DriverTask

__all__ = ("UdpServer",)


class UdpServer:
    """Implements :class:`netbench.worker.drivers.base.ServerDriver`."""

    def __init__(self, task: DriverTask) -> None:
        self._task = task
        self._traffic = udp_of(task)
        self._threads = WorkThreads()
        self._ending = threading.Event()
        self._meter = UsageMeter()
        self._usage: Usage | None = None
        self._connections: list[socket.socket] = []
        self._receiving: Receiving | None = None

    async def listen(self) -> Offer:
        """Bind a socket for each stream."""
        self._connections = bind_streams(self._task, self._traffic.streams)
        return Offer(ports=tuple(connection.getsockname()[1] for connection in self._connections))

    async def ready(self) -> None:
        """Wait until every stream's client is known and has confirmed that it hears us."""
        await together(partial(await_client, connection, self._task.cookie) for connection in self._connections)

    async def run(self, window: Window, offset_ns: int) -> None:
        """Receive until the window has ended and nothing more comes."""
        for connection in self._connections:
            make_blocking(connection)
        self._receiving = Receiving(
            self._task,
            self._traffic,
            self._connections,
            window=window,
            offset_ns=offset_ns,
            stop=self._threads.stop,
            ending=self._ending,
        )
        self._meter.start()
        await self._threads.run(self._receiving.functions(Schedule.of(window, self._task.clock)))
        self._usage = self._meter.stop()

    def stop(self) -> None:
        """End soon; what was received, and what is on its way, is kept."""
        self._ending.set()

    async def finish(self, client: SideReport) -> SideReport:  # noqa: ARG002 - what was sent is the client's to tell
        """Report."""
        if self._receiving is None or self._usage is None:
            msg = "the report was asked for before the run"
            raise DriverError(msg, reason="internal")
        return SideReport(records=(self._receiving.record(),), usage=self._usage, tool="native")

    async def aclose(self) -> None:
        """End the threads and close the sockets."""
        self._ending.set()
        await self._threads.aclose()
        for connection in self._connections:
            connection.close()
