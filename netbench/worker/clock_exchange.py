"""Comparing clocks with another worker: short ping-pongs, stamped next to the system calls."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from netbench.clock import ClockComparison, FourStamps, compare
from netbench.errors import DriverError
from netbench.worker.drivers.base import COOKIE_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from netbench.worker.strangers import Strangers
    from netbench.worker.timing import WorkerClock

__all__ = ("PING_PONGS", "ClockService", "clock_service", "compare_with")

#: Ping-pongs of one comparison; the one with the least delay is kept.
PING_PONGS = 8
_PING = struct.Struct("<q")
_PONG = struct.Struct("<qq")
_TIMEOUT_S = 2.0
#: Whoever has not shown a cookie after this long is closed.
_PROOF_TIMEOUT_S = 5.0


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
        raise DriverError(msg, reason="timeout" if isinstance(error, TimeoutError) else "unreachable") from error


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


class ClockService:
    """Answers the ping-pongs of whoever shows an admitted cookie; one thread and one port for all sessions.

    Made by :func:`clock_service`.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._cookies: set[bytes] = set()

    @contextmanager
    def admit(self, cookie: bytes) -> Iterator[None]:
        """Answer those who show this cookie, while the context lasts."""
        self._cookies.add(cookie)
        try:
            yield
        finally:
            self._cookies.discard(cookie)

    def admits(self, cookie: bytes) -> bool:
        """Whether a session with this cookie is under way. The cookies are random, so a look-up gives nothing away."""
        return cookie in self._cookies


@asynccontextmanager
async def clock_service(host: str, clock: WorkerClock, strangers: Strangers) -> AsyncIterator[ClockService]:
    """Listen on a free port of this address, while the context lasts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.create_server((host, 0), family=family) as listener:
        service = ClockService(listener.getsockname()[1])
        responder = _Responder(listener, service, clock, strangers, theirs)
        # Not one of anyio's threads, of which there are only so many: this one lives as long as the worker.
        thread = threading.Thread(target=responder.serve, name="clock", daemon=True)
        thread.start()
        try:
            yield service
        finally:
            ours.send(b"x")
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(thread.join, _TIMEOUT_S)


class _Responder:
    """One thread, any number of connections; whoever does not show an admitted cookie soon is closed."""

    def __init__(
        self,
        listener: socket.socket,
        service: ClockService,
        clock: WorkerClock,
        strangers: Strangers,
        end: socket.socket,
    ) -> None:
        self._listener = listener
        self._service = service
        self._clock = clock
        self._strangers = strangers
        self._end = end
        self._selector = selectors.DefaultSelector()
        self._received: dict[socket.socket, bytes] = {}
        self._unproved: dict[socket.socket, float] = {}

    def serve(self) -> None:
        self._listener.setblocking(False)  # noqa: FBT003 - the standard library's name
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._end, selectors.EVENT_READ)
        with self._selector:
            while True:
                for key, _ in self._selector.select(_PROOF_TIMEOUT_S if self._unproved else None):
                    if key.fileobj is self._end:
                        for connection in list(self._received):
                            self._drop(connection)
                        return
                    if key.fileobj is self._listener:
                        self._accept()
                    elif isinstance(key.fileobj, socket.socket):
                        self._answer(key.fileobj)
                self._drop_unproved()

    def _accept(self) -> None:
        with suppress(OSError):
            connection, _ = self._listener.accept()
            connection.setblocking(False)  # noqa: FBT003 - the standard library's name
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._received[connection] = b""
            self._unproved[connection] = time.monotonic()
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
        if connection in self._unproved and len(data) >= COOKIE_BYTES:
            if not self._service.admits(data[:COOKIE_BYTES]):
                self._drop(connection)
                return
            del self._unproved[connection]
            data = data[COOKIE_BYTES:]
        if connection not in self._unproved and len(data) >= _PING.size:
            data = data[_PING.size :]
            try:
                connection.send(_PONG.pack(stamp, self._clock.now_ns()))
            except OSError:
                self._drop(connection)
                return
        self._received[connection] = data

    def _drop_unproved(self) -> None:
        now = time.monotonic()
        for connection, since in list(self._unproved.items()):
            if now - since > _PROOF_TIMEOUT_S:
                self._drop(connection)

    def _drop(self, connection: socket.socket) -> None:
        if self._unproved.pop(connection, None) is not None:
            self._strangers.add()
        self._selector.unregister(connection)
        self._received.pop(connection, None)
        connection.close()
