"""What both halves of the TCP driver have in common: their flows over the window, and the report."""

from __future__ import annotations

import socket
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from netbench.errors import DriverError
from netbench.metrics import SideReport
from netbench.traffic import Tcp
from netbench.worker.drivers.native_tcp.flow import Receiving, Sending
from netbench.worker.drivers.native_tcp.sockets import make_blocking
from netbench.worker.recording import Schedule
from netbench.worker.threads import WorkThreads
from netbench.worker.usage import UsageMeter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netbench.clock import Window
    from netbench.metrics import Usage
    from netbench.traffic import Direction
    from netbench.worker.drivers.base import DriverTask

__all__ = ("Side",)


class Side:
    """One side's flows.

    Args:
        task: What to do.
        sends: The direction in which this side sends, if the traffic has it; it receives in the other one.
    """

    def __init__(self, task: DriverTask, sends: Direction) -> None:
        self.traffic = _tcp(task)
        self._task = task
        self._sends = sends
        self._threads = WorkThreads()
        self._meter = UsageMeter()
        self._usage: Usage | None = None
        self._connections: Sequence[socket.socket] = ()
        self._sending: Sending | None = None
        self._receiving: Receiving | None = None

    async def run(self, connections: Sequence[socket.socket], window: Window) -> int:
        """Send and receive over the window.

        Returns:
            The instant of the first send on this worker's clock; of the first arrival, where this side only receives.
        """
        self._connections = connections
        for connection in connections:
            make_blocking(connection)
        schedule = Schedule.of(window, self._task.clock)
        functions = []
        for direction in self.traffic.directions:
            if direction == self._sends:
                self._sending = Sending(
                    traffic=self.traffic,
                    direction=direction,
                    seed=self._task.request.seed,
                    connections=connections,
                    stop=self._threads.stop,
                )
                functions += self._sending.functions(schedule)
            else:
                self._receiving = Receiving(
                    traffic=self.traffic, direction=direction, connections=connections, stop=self._threads.stop
                )
                functions += self._receiving.functions(schedule)
        self._meter.start()
        await self._threads.run(functions)
        self._usage = self._meter.stop()
        return self._first(window)

    def stop(self) -> None:
        """Let every thread end."""
        self._threads.stop.set()

    def report(self) -> SideReport:
        """Give what this side saw."""
        flows = (self._sending, self._receiving)
        records = tuple(flow.record() for flow in flows if flow is not None)
        usage = self._meter.stop() if self._usage is None else self._usage
        return SideReport(records=records, usage=usage, tool="native")

    async def aclose(self) -> None:
        """End the threads and close the connections."""
        await self._threads.aclose()
        for connection in self._connections:
            close_now(connection)

    def _first(self, window: Window) -> int:
        first = None
        if self._sending is not None:
            first = self._sending.first_send
        elif self._receiving is not None:
            first = self._receiving.first_arrival
        return window.end_ns if first is None else self._task.clock.at_monotonic_ns(first)


def close_now(connection: socket.socket) -> None:
    """Close a connection without waiting for what is still in its buffers: its measurement is over."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
    connection.close()


def _tcp(task: DriverTask) -> Tcp:
    traffic = task.request.traffic
    if not isinstance(traffic, Tcp):
        msg = f"the TCP driver was given {traffic.protocol} traffic"
        raise DriverError(msg, reason="internal")
    if traffic.receive == "discard" and sys.platform != "linux":
        msg = "Tcp(receive='discard') needs workers on Linux (MSG_TRUNC)"
        raise DriverError(msg, reason="unsupported")
    return traffic
