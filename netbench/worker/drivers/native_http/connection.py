"""The client's connections: a socket each, and the request that is under way on it."""

from __future__ import annotations

import errno
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netbench.worker.drivers.native_http.wire import Head

__all__ = ("Connection",)

_RESET = struct.pack("@ii", 1, 0)


class Connection:
    """A connection that may be closed and opened again, with at most one request under way.

    Attributes:
        socket: None where it is closed.
        watched: What the event loop watches it for; 0 for nothing.
        connecting: Whether the handshake is under way.
        busy: Whether a request is under way.
        intended: When that request was meant to be sent, and ...
        sent: ... when it was, as readings of ``time.perf_counter_ns``.
        out: What of it is still to be sent; None for nothing.
        text: The beginning of its answer's head, until that is whole.
        head: Its answer's head from then on, until the body is whole.
        remaining: How much of the body is to come.
    """

    __slots__ = ("busy", "connecting", "head", "intended", "out", "remaining", "sent", "socket", "text", "watched")

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.watched = 0
        self.connecting = False
        self.busy = False
        self.intended = 0
        self.sent = 0
        self.out: bytes | memoryview | None = None
        self.text = b""
        self.head: Head | None = None
        self.remaining = 0

    def connect(self, family: int, address: tuple[object, ...], *, once: bool) -> int:
        """Begin the handshake.

        Args:
            family: Of the server's address.
            address: The server's address and port.
            once: Whether the connection is for one request only.

        Returns:
            0, or the number of the error with which it ended at once.
        """
        made = self.socket = socket.socket(family, socket.SOCK_STREAM)
        made.setblocking(False)  # noqa: FBT003 - the standard library's name
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if once:
            # Closing with a reset leaves no TIME_WAIT behind, which would use up the ports within seconds.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        code = made.connect_ex(address)
        if code not in {0, errno.EINPROGRESS}:
            return code
        self.connecting = True
        return 0

    @property
    def waits(self) -> bool:
        """Whether a request was sent whole and nothing of its answer has come."""
        return self.busy and self.out is None and self.head is None and not self.text

    def close(self) -> None:
        """Close it, if it is open, and forget what was under way on it."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        self.watched = 0
        self.connecting = False
        self.out = None
        self.text = b""
        self.head = None
