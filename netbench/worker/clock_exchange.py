"""Comparing clocks with another worker: short ping-pongs, stamped next to the system calls."""

from __future__ import annotations

import hmac
import selectors
import socket
import struct
import threading
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from netbench.clock import ClockComparison, FourStamps, compare
from netbench.errors import DriverError
from netbench.worker.drivers.base import COOKIE_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from netbench.worker.timing import WorkerClock

__all__ = ("PING_PONGS", "clock_responder", "compare_with")

#: Ping-pongs of one comparison; the one with the least delay is kept.
PING_PONGS = 8
_PING = struct.Struct("<q")
_PONG = struct.Struct("<qq")
_TIMEOUT_S = 2.0


def compare_with(host: str, port: int, cookie: bytes, clock: WorkerClock) -> ClockComparison:
    """Compare the own clock with that of the responder at this address. Blocks for about a millisecond.

    Raises:
        DriverError: The responder cannot be reached, hangs or closes.
    """
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT_S) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(cookie)
            return compare(_ping(connection, clock) for _ in range(PING_PONGS))
    except (OSError, EOFError) as error:
        msg = f"the clock of {host}:{port} could not be read: {error}"
        raise DriverError(msg, reason="unreachable") from error


def _ping(connection: socket.socket, clock: WorkerClock) -> FourStamps:
    sent = clock.now_ns()
    connection.sendall(_PING.pack(sent))
    answer = b""
    while len(answer) < _PONG.size:
        part = connection.recv(_PONG.size - len(answer))
        if not part:
            msg = "it closed the connection"
            raise EOFError(msg)
        answer += part
    received = clock.now_ns()
    remote_received, remote_sent = _PONG.unpack(answer)
    return FourStamps(sent, remote_received, remote_sent, received)


@asynccontextmanager
async def clock_responder(host: str, cookie: bytes, clock: WorkerClock) -> AsyncIterator[int]:
    """Answer ping-pongs that begin with the cookie, from a thread, while the context lasts.

    Yields:
        The port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        stop = threading.Event()
        responder = _Responder(listener, cookie, clock, stop)
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, responder.serve)
            try:
                yield listener.getsockname()[1]
            finally:
                stop.set()


class _Responder:
    """One thread, any number of connections; whoever does not show the cookie is closed."""

    def __init__(self, listener: socket.socket, cookie: bytes, clock: WorkerClock, stop: threading.Event) -> None:
        self._listener = listener
        self._cookie = cookie
        self._clock = clock
        self._stop = stop
        self._selector = selectors.DefaultSelector()
        self._received: dict[socket.socket, bytes] = {}
        self._proved: set[socket.socket] = set()

    def serve(self) -> None:
        self._listener.setblocking(False)  # noqa: FBT003 - the standard library's name
        self._selector.register(self._listener, selectors.EVENT_READ)
        with self._selector:
            while not self._stop.is_set():
                for key, _ in self._selector.select(0.05):
                    if key.fileobj is self._listener:
                        self._accept()
                    elif isinstance(key.fileobj, socket.socket):
                        self._answer(key.fileobj)
            for connection in list(self._received):
                self._drop(connection)

    def _accept(self) -> None:
        with suppress(OSError):
            connection, _ = self._listener.accept()
            connection.setblocking(False)  # noqa: FBT003 - the standard library's name
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._received[connection] = b""
            self._selector.register(connection, selectors.EVENT_READ)

    def _answer(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(4096)
        except OSError:
            data = b""
        stamp = self._clock.now_ns()
        if not data:
            self._drop(connection)
            return
        data = self._received[connection] + data
        if connection not in self._proved and len(data) >= COOKIE_BYTES:
            if not hmac.compare_digest(data[:COOKIE_BYTES], self._cookie):
                self._drop(connection)
                return
            self._proved.add(connection)
            data = data[COOKIE_BYTES:]
        if connection in self._proved and len(data) >= _PING.size:
            data = data[_PING.size :]
            try:
                connection.send(_PONG.pack(stamp, self._clock.now_ns()))
            except OSError:
                self._drop(connection)
                return
        self._received[connection] = data

    def _drop(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        self._received.pop(connection, None)
        self._proved.discard(connection)
        connection.close()
