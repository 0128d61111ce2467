"""What a socket of the TCP driver takes."""

from __future__ import annotations

import socket
import sys

import pytest

from netbench.worker.drivers.native_tcp.sockets import keep_little_unsent

PIECE = bytes(64 * 1024)


def accepted(*, little: bool) -> int:
    """Give the bytes that a connection takes whose other end reads nothing."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as sender,
    ):
        receiver, _ = listener.accept()
        with receiver:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * 2**20)
            if little:
                keep_little_unsent(sender)
            sender.setblocking(False)  # noqa: FBT003 - the standard library's name
            total = 0
            while True:
                try:
                    total += sender.send(PIECE)
                except BlockingIOError:
                    return total


@pytest.mark.skipif(sys.platform != "linux", reason="how much is taken without it differs elsewhere")
def test_a_socket_takes_little_more_than_the_network_does() -> None:
    """Where it would else fill its whole buffer."""
    assert accepted(little=True) < accepted(little=False)
