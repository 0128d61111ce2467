"""Data connections: opened by the client, each proved to the server by the session's cookie."""

from __future__ import annotations

import errno
import hmac
import os
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio

from netbench.errors import DriverError
from netbench.tasks import background_tasks
from netbench.worker.drivers.base import COOKIE_BYTES
from netbench.worker.drivers.native_tcp.tcp_info import set_congestion

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from netbench.worker.drivers.base import DriverTask

__all__ = ("TICK_S", "Acceptor", "connect_stream", "keep_little_unsent", "listen_for", "make_blocking")

_INDEX = struct.Struct("!H")
#: A stranger who connects and says nothing is dropped after this.
_PROOF_TIMEOUT_S = 5.0
#: How often a thread in a blocking call looks up, to see whether it is to stop.
TICK_S = 0.05
#: What may wait in a socket for the network: more falls out of the cache, and with less a fast network waits for its
#: sender to wake up.
_UNSENT_BYTES = 256 * 1024


def listen_for(task: DriverTask) -> socket.socket:
    """Open the listening socket.

    Raises:
        DriverError: The port is taken, or cannot be bound.
    """
    port = task.request.data_port or 0
    family = socket.AF_INET6 if ":" in task.listen_host else socket.AF_INET
    try:
        listener = socket.create_server((task.listen_host, port), family=family, backlog=1024)
    except OSError as error:
        reason = "port-taken" if error.errno == errno.EADDRINUSE else "unreachable"
        msg = f"the TCP port {port} at {task.listen_host} cannot be listened on: {error.strerror}"
        raise DriverError(msg, reason=reason) from error
    listener.setblocking(False)  # noqa: FBT003 - the standard library's name
    return listener


async def connect_stream(task: DriverTask, port: int, index: int) -> socket.socket:
    """Open one data connection and prove it.

    Raises:
        DriverError: The server cannot be reached.
    """
    host = task.request.server_host
    try:
        family, _, _, _, address = (await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM))[0]
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            prepare(connection, task)
            await _connect(connection, address)
            connection.sendall(task.cookie + _INDEX.pack(index))
        except BaseException:
            connection.close()
            raise
    except OSError as error:
        msg = f"stream {index} cannot be connected to {host}:{port}: {error.strerror or error}"
        raise DriverError(msg, reason="unreachable") from error
    return connection


def prepare(connection: socket.socket, task: DriverTask) -> None:
    """Set what the traffic asks of a socket."""
    connection.setblocking(False)  # noqa: FBT003 - the standard library's name
    congestion = getattr(task.request.traffic, "congestion", None)
    if congestion is not None:
        set_congestion(connection, congestion)


def make_blocking(connection: socket.socket) -> None:
    """Let calls block, but not for longer than a tick at a time.

    The kernel's own timeouts are used: Python's would add a poll(2) to every call.
    """
    connection.setblocking(True)  # noqa: FBT003 - the standard library's name
    tick = struct.pack("@ll", 0, int(TICK_S * 1e6))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, tick)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, tick)


def keep_little_unsent(connection: socket.socket) -> None:
    """Let the kernel take more only while little of what it has is unsent (``TCP_NOTSENT_LOWAT``), if it knows how.

    What is on its way, which the congestion window and the receiver decide, is not limited by it.
    """
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if option is not None:
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, option, _UNSENT_BYTES)


class Acceptor:
    """Takes the data connections of one session; strangers are closed and disturb nobody."""

    def __init__(self, task: DriverTask, listener: socket.socket, streams: int) -> None:
        self._task = task
        self._listener = listener
        self._missing = set(range(streams))
        self._complete = anyio.Event()
        self.connections: dict[int, socket.socket] = {}

    async def accept_all(self) -> None:
        """Wait until every stream is here. The caller sets the deadline."""
        async with background_tasks() as group:
            group.start_soon(self._accept, group)
            await self._complete.wait()

    async def _accept(self, group: TaskGroup) -> None:
        while True:
            await anyio.wait_readable(self._listener)
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                continue
            connection.setblocking(False)  # noqa: FBT003 - the standard library's name
            group.start_soon(self._prove, connection)

    async def _prove(self, connection: socket.socket) -> None:
        index = None
        try:
            with anyio.move_on_after(_PROOF_TIMEOUT_S):
                proof = await _receive_exactly(connection, COOKIE_BYTES + _INDEX.size)
                if hmac.compare_digest(proof[:COOKIE_BYTES], self._task.cookie):
                    index = int(_INDEX.unpack(proof[COOKIE_BYTES:])[0])
                if index in self._missing:
                    prepare(connection, self._task)
        except (OSError, EOFError):
            index = None
        finally:
            if index in self._missing:
                self._missing.discard(index)
                self.connections[index] = connection
            else:
                self._task.strangers.add()
                connection.close()
        if not self._missing:
            self._complete.set()


async def _connect(connection: socket.socket, address: tuple[object, ...]) -> None:
    code = connection.connect_ex(address)
    if code == errno.EINPROGRESS:
        await anyio.wait_writable(connection)
        code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


async def _receive_exactly(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        await anyio.wait_readable(connection)
        part = connection.recv(length - len(data))
        if not part:
            msg = "closed before it was proved"
            raise EOFError(msg)
        data += part
    return data
