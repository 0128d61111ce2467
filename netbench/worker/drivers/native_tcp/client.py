"""The client's half of the TCP driver."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from netbench.tasks import together
from netbench.worker.drivers.native_tcp.side import Side, close_now
from netbench.worker.drivers.native_tcp.sockets import connect_stream

if TYPE_CHECKING:
    import socket

    from netbench.clock import Window
    from netbench.metrics import SideReport
    from netbench.worker.drivers.base import DriverTask, Offer

__all__ = ("TcpClient",)


class TcpClient:
    """Implements :class:`netbench.worker.drivers.base.ClientDriver`."""

    def __init__(self, task: DriverTask) -> None:
        self._task = task
        self._side = Side(task, sends="forward")
        self._connections: dict[int, socket.socket] = {}

    async def connect(self, offer: Offer) -> None:
        """Open a connection for each stream."""
        await together(partial(self._connect, offer.ports[0], index) for index in range(self._side.traffic.streams))

    async def run(self, window: Window) -> int:
        """Send, receive, or both.

        Returns:
            The first send; in the reverse direction alone the first arrival, which is later by the path's delay.
        """
        return await self._side.run([self._connections[index] for index in sorted(self._connections)], window)

    def stop(self) -> None:
        """End soon; what was measured is kept."""
        self._side.stop()

    async def finish(self) -> SideReport:
        """Report."""
        return self._side.report()

    async def aclose(self) -> None:
        """End the threads and close the connections."""
        await self._side.aclose()
        for connection in self._connections.values():
            close_now(connection)

    async def _connect(self, port: int, index: int) -> None:
        self._connections[index] = await connect_stream(self._task, port, index)
