"""A whole window of requests, closed and on a schedule, and the server's end of it."""

from __future__ import annotations

import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

import pytest

from netbench.traffic import Http
from netbench.worker.drivers.native_http.loading import Loading
from netbench.worker.drivers.native_http.serving import Serving
from netbench.worker.drivers.native_http.wire import answer, request
from netbench.worker.recording import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator

COOKIE = bytes(range(16))
BODY_BYTES = 100


class Server:
    """The product's own, in a thread."""

    def __init__(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)  # noqa: FBT003 - the standard library's name
        self.address: tuple[str, int] = listener.getsockname()
        self._stop = threading.Event()
        self.serving = Serving(listener, COOKIE, BODY_BYTES, self._stop)
        self._thread = threading.Thread(target=self.serving.serve)
        self._thread.start()

    def connected(self) -> socket.socket:
        """Give a connection to it."""
        return socket.create_connection(self.address, timeout=10)

    def stop(self) -> None:
        """End it."""
        self._stop.set()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    """Give one."""
    made = Server()
    yield made
    made.stop()


def read(link: socket.socket, length: int) -> bytes:
    """Read so many bytes."""
    text = b""
    while len(text) < length:
        more = link.recv(length - len(text))
        assert more
        text += more
    return text


@pytest.mark.parametrize(
    "traffic",
    [Http(connections=2), Http(connections=1), Http(connections=2, rate_rps=3000)],
    ids=["closed", "alone", "open"],
)
def test_answered_requests_are_put_away_while_the_window_lasts(server: Server, traffic: Http) -> None:
    """So that a long run takes no more memory than a short one, at any rate."""
    words = request(traffic, "127.0.0.1", COOKIE)
    loading = Loading(traffic, socket.AF_INET, server.address, words, threading.Event())
    loading.probe(10)
    start = time.perf_counter_ns()
    loading.run(Schedule(start=start, counted_from=start, end=start + 300_000_000, interval=10**9))
    waiting = loading.tally.waiting
    loading.close()
    assert (loading.tally.responses > 600, waiting < 600, not loading.tally.errors) == (True, True, True)


@pytest.mark.parametrize("size", [1, 7, 10_000], ids=["bytes", "pieces", "whole"])
@pytest.mark.parametrize("traffic", [Http(), Http(method="POST", request_bytes=50)], ids=["get", "post"])
def test_a_request_may_come_in_any_pieces(server: Server, traffic: Http, size: int) -> None:
    """Again and again on one connection, of which the server knows the second by heart."""
    words, expected = request(traffic, "127.0.0.1", COOKIE), answer("200 OK", BODY_BYTES, close=False)
    with server.connected() as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(3):
            for place in range(0, len(words), size):
                link.sendall(words[place : place + size])
            assert read(link, len(expected)) == expected
    assert server.serving.requests == 3


def test_a_request_that_is_known_by_heart_still_has_to_be_answered_before_the_next(server: Server) -> None:
    """Two in one piece are two."""
    words, expected = request(Http(), "127.0.0.1", COOKIE), answer("200 OK", BODY_BYTES, close=False)
    with server.connected() as link:
        for _ in range(2):
            link.sendall(words * 2)
            assert read(link, 2 * len(expected)) == 2 * expected


def test_the_server_forgets_a_client_that_resets(server: Server) -> None:
    """Instead of turning round it for as long as the session lasts."""
    words, expected = request(Http(), "127.0.0.1", COOKIE), answer("200 OK", BODY_BYTES, close=False)
    with server.connected() as link:
        link.sendall(words)
        read(link, len(expected))
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
    with server.connected() as link:
        # The reset came first, so that it is dealt with by the time of the second answer.
        for _ in range(2):
            link.sendall(words)
            read(link, len(expected))
        assert len(server.serving._connections) == 1
