"""The client's half of the UDP driver."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from netbench.errors import DriverError
from netbench.metrics import SideReport
from netbench.tasks import together
from netbench.traffic import Udp
from netbench.worker.drivers.native_udp.sending import Sending
from netbench.worker.drivers.native_udp.sockets import greet_server, make_blocking, open_stream
from netbench.worker.recording import Schedule
from netbench.worker.threads import WorkThreads
from netbench.worker.usage import UsageMeter

if TYPE_CHECKING:
    import socket

    from netbench.clock import Window
    from netbench.metrics import Usage
    from netbench.worker.drivers.base import DriverTask, Offer

__all__ = ("UdpClient", "udp_of")


def udp_of(task: DriverTask) -> Udp:
    """Give the task's traffic, which is UDP."""
    traffic = task.request.traffic
    if not isinstance(traffic, Udp):
        msg = f"the UDP driver was given {traffic.protocol} traffic"
        raise DriverError(msg, reason="internal")
    return traffic


class UdpClient:
    """Implements :class:`netbench.worker.drivers.base.ClientDriver`."""

    def __init__(self, task: DriverTask) -> None:
        self._task = task
        self._traffic = udp_of(task)
        self._threads = WorkThreads()
        self._meter = UsageMeter()
        self._usage: Usage | None = None
        self._connections: list[socket.socket] = []
        self._sending: Sending | None = None

    async def connect(self, offer: Offer) -> None:
        """Open each stream's socket and make sure that datagrams reach the server and its answers come back."""
        for port in offer.ports:
            self._connections.append(await open_stream(self._task, port))
        await together(partial(greet_server, connection, self._task.cookie) for connection in self._connections)

    async def run(self, window: Window) -> int:
        """Send over the window.

        Returns:
            The instant of the first send.
        """
        for connection in self._connections:
            make_blocking(connection)
        self._sending = Sending(self._task, self._traffic, self._connections, self._threads.stop)
        self._meter.start()
        await self._threads.run([partial(self._sending.send, window, Schedule.of(window, self._task.clock))])
        self._usage = self._meter.stop()
        first = self._sending.first_send
        return window.end_ns if first is None else self._task.clock.at_monotonic_ns(first)

    def stop(self) -> None:
        """End soon; what was sent is kept."""
        self._threads.stop.set()

    async def finish(self) -> SideReport:
        """Report."""
        if self._sending is None or self._usage is None:
            msg = "the report was asked for before the run"
            raise DriverError(msg, reason="internal")
        return SideReport(records=(self._sending.record(),), usage=self._usage, tool="native")

    async def aclose(self) -> None:
        """End the threads and close the sockets."""
        await self._threads.aclose()
        for connection in self._connections:
            connection.close()
