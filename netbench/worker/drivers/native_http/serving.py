"""The server's event loop: one thread, any number of connections."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from netbench.worker.drivers.native_http.events import READ, WRITE, make_events
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
_READ_BYTES = 64 * 1024


class _Connection:
    __slots__ = ("after_body", "closing", "head", "out", "remaining", "socket", "watched")

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.head = b""
        self.remaining = 0
        self.after_body: Head | None = None
        self.out: bytes | memoryview | None = None
        self.closing = False
        self.watched = READ


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
        self._keep = answer("200 OK", response_bytes, close=False)
        self._close = answer("200 OK", response_bytes, close=True)
        self._forbidden = answer("403 Forbidden", 0, close=True)
        self._bad = answer("400 Bad Request", 0, close=True)
        self._events = make_events()
        self._connections: dict[int, _Connection] = {}
        self._heads: dict[bytes, Head] = {}
        self.requests = 0
        self.connections = 0

    def serve(self) -> None:
        """Serve until stopped; then close everything."""
        self._events.watch(self._listener.fileno(), READ)
        try:
            while not self._stop.is_set():
                for descriptor, mask in self._events.wait(_TICK_S):
                    connection = self._connections.get(descriptor)
                    if connection is None:
                        self._accept()
                        continue
                    if mask & ~READ:
                        self._push(connection)
                    if mask & ~WRITE:
                        self._read(connection)
        finally:
            for connection in self._connections.values():
                connection.socket.close()
            self._listener.close()
            self._events.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                accepted.setblocking(False)  # noqa: FBT003 - the standard library's name
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._events.watch(accepted.fileno(), READ)
                self._connections[accepted.fileno()] = _Connection(accepted)
                self.connections += 1

    def _read(self, connection: _Connection) -> None:
        try:
            read = connection.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            # Reset by the client, or dropped by the write before.
            read = b""
        if not read:
            self._drop(connection)
            return
        if connection.after_body is None and not connection.head:
            head = self._heads.get(read)
            if head is not None and not head.length:
                # A whole request without a body, as all but the first are.
                self._answer(connection, head)
                return
        data = memoryview(read)
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

    def _refuse(self, connection: _Connection, words: bytes) -> None:
        connection.closing = True
        self._send(connection, words)

    def _send(self, connection: _Connection, words: bytes) -> None:
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
            connection.out = memoryview(out)[sent:]
            self._watch(connection, WRITE)
            return
        connection.out = None
        if connection.closing:
            self._drop(connection)
        elif connection.watched != READ:
            self._watch(connection, READ)

    def _watch(self, connection: _Connection, mask: int) -> None:
        if connection.watched != mask:
            self._events.change(connection.socket.fileno(), mask)
            connection.watched = mask

    def _drop(self, connection: _Connection) -> None:
        descriptor = connection.socket.fileno()
        if descriptor >= 0:
            self._events.forget(descriptor)
            del self._connections[descriptor]
            connection.socket.close()
