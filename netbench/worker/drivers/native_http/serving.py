"""The server's event loop: one thread, any number of connections."""

from __future__ import annotations

import selectors
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from netbench.worker.drivers.native_http.wire import (
    HEAD_END,
    HEAD_MAX_BYTES,
    Head,
    MalformedError,
    answer,
    parse_request,
)

if TYPE_CHECKING:
    import threading

__all__ = ("Serving",)

_TICK_S = 0.05
_READ_BYTES = 256 * 1024
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class _Connection:
    __slots__ = ("after_body", "closing", "head", "out", "remaining", "socket")

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.head = b""
        self.remaining = 0
        self.after_body: Head | None = None
        self.out: memoryview | None = None
        self.closing = False


class Serving:
    """Answers every request that shows the session's cookie with the same bytes; others get an error and are closed.

    Args:
        listener: The listening socket.
        cookie: The session's cookie.
        response_bytes: Body of each answer.
        stop: Ends the loop.
    """

    def __init__(self, listener: socket.socket, cookie: bytes, response_bytes: int, stop: threading.Event) -> None:
        self._listener = listener
        self._cookie = cookie
        self._stop = stop
        self._keep = memoryview(answer("200 OK", response_bytes, close=False))
        self._close = memoryview(answer("200 OK", response_bytes, close=True))
        self._forbidden = memoryview(answer("403 Forbidden", 0, close=True))
        self._bad = memoryview(answer("400 Bad Request", 0, close=True))
        self._selector = selectors.DefaultSelector()
        self._heads: dict[bytes, Head] = {}
        self._buffer = bytearray(_READ_BYTES)
        self.requests = 0
        self.connections = 0

    def serve(self) -> None:
        """Serve until stopped; then close everything."""
        self._selector.register(self._listener, _READ, None)
        try:
            while not self._stop.is_set():
                for key, mask in self._selector.select(_TICK_S):
                    if key.data is None:
                        self._accept()
                    elif mask & _WRITE:
                        self._push(key.data)
                    else:
                        self._read(key.data)
        finally:
            for key in list(self._selector.get_map().values()):
                if isinstance(key.fileobj, socket.socket):
                    key.fileobj.close()
            self._selector.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                accepted.setblocking(False)  # noqa: FBT003 - the standard library's name
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._selector.register(accepted, _READ, _Connection(accepted))
                self.connections += 1

    def _read(self, connection: _Connection) -> None:
        try:
            count = connection.socket.recv_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        if not count:
            self._drop(connection)
            return
        data = memoryview(self._buffer)[:count]
        while data and connection.socket.fileno() >= 0 and not connection.closing:
            data = self._take(connection, data)

    def _take(self, connection: _Connection, data: memoryview) -> memoryview:
        """Take a body's bytes, or a head's; give what is left."""
        if connection.after_body is not None:
            taken = min(connection.remaining, len(data))
            connection.remaining -= taken
            if not connection.remaining:
                self._answer(connection, connection.after_body)
            return data[taken:]
        known = len(connection.head)
        text = connection.head + bytes(data)
        end = text.find(HEAD_END)
        if end < 0:
            connection.head = text
            if len(text) > HEAD_MAX_BYTES:
                self._refuse(connection, self._bad)
            return data[len(data) :]
        connection.head = b""
        end += len(HEAD_END)
        try:
            head = self._head(text[:end])
        except MalformedError:
            self._refuse(connection, self._bad)
            return data[len(data) :]
        if not head.belongs_to(self._cookie):
            self._refuse(connection, self._forbidden)
            return data[len(data) :]
        if head.length:
            connection.after_body, connection.remaining = head, head.length
        else:
            self._answer(connection, head)
        return data[end - known :]

    def _head(self, text: bytes) -> Head:
        """Read a head; the same bytes are read once, for all requests of a run are the same."""
        head = self._heads.get(text)
        if head is None:
            head = parse_request(text)
            if head.belongs_to(self._cookie):
                self._heads[text] = head
        return head

    def _answer(self, connection: _Connection, head: Head) -> None:
        connection.after_body = None
        self.requests += 1
        connection.closing = head.close
        self._send(connection, self._close if head.close else self._keep)

    def _refuse(self, connection: _Connection, words: memoryview) -> None:
        connection.closing = True
        self._send(connection, words)

    def _send(self, connection: _Connection, words: memoryview) -> None:
        if connection.out is not None:
            # A client that pipelines: netbench's does not, and nobody else is served.
            self._drop(connection)
            return
        connection.out = words
        self._push(connection)

    def _push(self, connection: _Connection) -> None:
        out = connection.out
        if out is None:
            return
        try:
            sent = connection.socket.send(out)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(connection)
            return
        if sent < len(out):
            connection.out = out[sent:]
            self._selector.modify(connection.socket, _WRITE, connection)
            return
        connection.out = None
        if connection.closing:
            self._drop(connection)
        elif self._selector.get_key(connection.socket).events != _READ:
            self._selector.modify(connection.socket, _READ, connection)

    def _drop(self, connection: _Connection) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(connection.socket)
        connection.socket.close()
