"""The server's half of the TCP driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.errors import DriverError
from netbench.worker.drivers.base import Offer
from netbench.worker.drivers.native_tcp.side import Side, close_now
from netbench.worker.drivers.native_tcp.sockets import Acceptor, listen_for

if TYPE_CHECKING:
    import socket

    from netbench.clock import Window
    from netbench.metrics import SideReport
    from netbench.worker.drivers.base import DriverTask

__all__ = ("TcpServer",)


class TcpServer:
    """Implements :class:`netbench.worker.drivers.base.ServerDriver`."""

    def __init__(self, task: DriverTask) -> None:
        self._task = task
        self._side = Side(task, sends="reverse")
        self._listener: socket.socket | None = None
        self._acceptor: Acceptor | None = None

    async def listen(self) -> Offer:
        """Listen."""
        self._listener = listen_for(self._task)
        self._acceptor = Acceptor(self._task, self._listener, self._side.traffic.streams)
        return Offer(ports=(self._listener.getsockname()[1],))

    async def ready(self) -> None:
        """Wait until every stream is connected; the port is free again afterwards."""
        await self._accepted().accept_all()
        self._close_listener()

    async def run(self, window: Window, offset_ns: int) -> None:  # noqa: ARG002 - TCP counts on its own clock
        """Receive, send, or both, until the client's streams have ended."""
        connections = self._accepted().connections
        await self._side.run([connections[index] for index in sorted(connections)], window)

    def stop(self) -> None:
        """End soon; what was measured is kept."""
        self._side.stop()

    async def finish(self, client: SideReport) -> SideReport:  # noqa: ARG002 - both sides count for themselves
        """Report."""
        return self._side.report()

    async def aclose(self) -> None:
        """End the threads and close every socket."""
        await self._side.aclose()
        self._close_listener()
        if self._acceptor is not None:
            for connection in self._acceptor.connections.values():
                close_now(connection)

    def _accepted(self) -> Acceptor:
        if self._acceptor is None:
            msg = "the server was not asked to listen"
            raise DriverError(msg, reason="internal")
        return self._acceptor

    def _close_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
