"""One datagram per system call, for systems without sendmmsg and recvmmsg; stamps are then taken in user space."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

__all__ = ("PlainReceiver", "PlainSender")

_HEADER = struct.Struct("=QQQ")


class PlainSender:
    """Does what :class:`netbench.worker.drivers.native_udp.mmsg.BatchSender` does."""

    batch = 16

    def __init__(self, connection: socket.socket, tag: int, payload: bytes) -> None:
        self._connection = connection
        self._tag = tag
        self._datagram = bytearray(payload)

    def send(self, count: int, sequence: int, stamp_ns: int) -> int:
        """Send datagrams with these sequence numbers and give how many were sent."""
        for index in range(count):
            _HEADER.pack_into(self._datagram, 0, self._tag, sequence + index, stamp_ns)
            try:
                self._connection.send(self._datagram)
            except OSError:
                if index:
                    return index
                raise
        return count


class PlainReceiver:
    """Does what :class:`netbench.worker.drivers.native_udp.mmsg.BatchReceiver` does, without the kernel's stamps."""

    def __init__(self, connection: socket.socket, tag: int, payload_bytes: int) -> None:
        self._connection = connection
        self._tag = tag
        self._payload_bytes = payload_bytes
        self._buffer = bytearray(payload_bytes + 1)

    def receive(self) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
        """Wait for a datagram, for no longer than the socket's own timeout."""
        length = self._connection.recv_into(self._buffer)
        arrival = time.time_ns()
        if length != self._payload_bytes:
            return (), (), ()
        tag, sequence, stamp = _HEADER.unpack_from(self._buffer)
        if tag != self._tag:
            return (), (), ()
        return (sequence,), (stamp,), (arrival,)
