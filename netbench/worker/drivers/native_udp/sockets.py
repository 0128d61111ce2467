"""The pair of sockets of each stream, and how both ends make sure of each other before the start.

Three words, each followed by the session's cookie: the client says hello until it is answered, the server answers until
that is confirmed. After it, both sockets are connected and take nothing from anybody else.
"""

from __future__ import annotations

import errno
import hmac
import socket
import struct
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import anyio

from netbench.errors import DriverError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netbench.worker.drivers.base import DriverTask

__all__ = ("await_client", "bind_streams", "dropped_by", "greet_server", "make_blocking", "open_loop", "open_stream")

_HELLO, _ANSWER, _CONFIRM = b"netbench hello ", b"netbench answer", b"netbench confirm"
_RETRY_S = 0.1
#: Confirmations may be lost too, and nobody would ask for them again.
_CONFIRMATIONS = 8
_TICK_S = 0.05
_BUFFER_BYTES = 8 * 2**20
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_SO_MEMINFO, _MEMINFO_DROPS = 55, 8


def bind_streams(task: DriverTask, streams: int) -> list[socket.socket]:
    """Bind a socket for each stream, at consecutive ports where the request names one.

    Raises:
        DriverError: A port is taken, or cannot be bound.
    """
    family = socket.AF_INET6 if ":" in task.listen_host else socket.AF_INET
    bound: list[socket.socket] = []
    for stream in range(streams):
        port = 0 if task.request.data_port is None else task.request.data_port + stream
        connection = _new(family)
        bound.append(connection)
        try:
            connection.bind((task.listen_host, port))
        except OSError as error:
            for each in bound:
                each.close()
            reason = "port-taken" if error.errno == errno.EADDRINUSE else "unreachable"
            msg = f"the UDP port {port} at {task.listen_host} cannot be bound: {error.strerror}"
            raise DriverError(msg, reason=reason) from error
    return bound


async def open_stream(task: DriverTask, port: int) -> socket.socket:
    """Open the client's socket of a stream.

    Raises:
        DriverError: The server's address leads nowhere.
    """
    host = task.request.server_host
    try:
        family, _, _, _, address = (await anyio.getaddrinfo(host, port, type=socket.SOCK_DGRAM))[0]
        connection = _new(family)
        try:
            connection.connect(address)
        except BaseException:
            connection.close()
            raise
    except OSError as error:
        msg = f"no datagram can be sent to {host}:{port}: {error.strerror or error}"
        raise DriverError(msg, reason="unreachable") from error
    return connection


async def greet_server(connection: socket.socket, cookie: bytes) -> None:
    """Say hello until the server answers, then confirm it. The caller sets the deadline.

    Raises:
        DriverError: Nobody listens there.
    """
    try:
        while True:
            connection.send(_HELLO + cookie)
            with anyio.move_on_after(_RETRY_S):
                await _receive(connection, _ANSWER + cookie)
                break
        for _ in range(_CONFIRMATIONS):
            connection.send(_CONFIRM + cookie)
    except OSError as error:
        host, port = connection.getpeername()[:2]
        msg = f"no datagram reaches {host}:{port}: {error.strerror or error}"
        raise DriverError(msg, reason="unreachable") from error


async def await_client(connection: socket.socket, cookie: bytes) -> None:
    """Answer the client's hellos until it confirms; strangers are not answered. The caller sets the deadline."""
    while True:
        await anyio.wait_readable(connection)
        with suppress(OSError):
            words, address = connection.recvfrom(256)
            if hmac.compare_digest(words, _HELLO + cookie):
                connection.connect(address)
                connection.send(_ANSWER + cookie)
            elif hmac.compare_digest(words, _CONFIRM + cookie):
                return


def make_blocking(connection: socket.socket) -> None:
    """Let calls block, but not for longer than a tick at a time, by the kernel's own timeouts."""
    connection.setblocking(True)  # noqa: FBT003 - the standard library's name
    tick = struct.pack("@ll", 0, int(_TICK_S * 1e6))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, tick)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, tick)


@contextmanager
def open_loop(family: int) -> Iterator[socket.socket]:
    """Open a socket whose datagrams go to itself, over this host's own loopback; where it has none they are refused.

    It keeps next to none of them: what is dropped at once leaves its memory to the next one, and memory that nobody has
    used yet costs a virtual machine some 100 us.
    """
    with socket.socket(family, socket.SOCK_DGRAM) as loop:
        loop.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
        loop.setblocking(False)  # noqa: FBT003 - the standard library's name
        with suppress(OSError):
            loop.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
            loop.connect(loop.getsockname())
        yield loop


def dropped_by(connection: socket.socket) -> int | None:
    """Give how many datagrams the kernel has dropped at this socket's full buffer; None where it does not tell."""
    if sys.platform != "linux":
        return None
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 4 * (_MEMINFO_DROPS + 1))
    except OSError:
        return None
    if len(raw) < 4 * (_MEMINFO_DROPS + 1):
        return None
    return int(struct.unpack_from("=I", raw, 4 * _MEMINFO_DROPS)[0])


def _new(family: int) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_DGRAM)
    connection.setblocking(False)  # noqa: FBT003 - the standard library's name
    for forced, plain in ((_SO_SNDBUFFORCE, socket.SO_SNDBUF), (_SO_RCVBUFFORCE, socket.SO_RCVBUF)):
        try:
            if sys.platform != "linux":
                raise PermissionError
            connection.setsockopt(socket.SOL_SOCKET, forced, _BUFFER_BYTES)
        except OSError:
            # Without the right to exceed it, the system's limit holds; macOS refuses what is above it.
            with suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, plain, _BUFFER_BYTES)
    return connection


async def _receive(connection: socket.socket, expected: bytes) -> None:
    while True:
        await anyio.wait_readable(connection)
        if hmac.compare_digest(connection.recv(256), expected):
            return
