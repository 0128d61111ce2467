"""An exchange of HTTP requests, and a server whose every byte the test writes."""

from __future__ import annotations

import socket
import struct
import time
from typing import TYPE_CHECKING

from netbench.traffic import Http
from netbench.worker.drivers.native_http.exchange import Exchange
from netbench.worker.drivers.native_http.tally import Tally
from netbench.worker.drivers.native_http.wire import answer, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from netbench.worker.drivers.native_http.events import Events

__all__ = ("ANSWER", "EVER", "RESET", "Bench")

ANSWER = answer("200 OK", 10, close=False)
EVER = 2**63
#: For SO_LINGER: to close resets the connection.
RESET = struct.pack("@ii", 1, 0)


class Bench:
    """An exchange, and a server that does what it is told."""

    def __init__(self, make: Callable[[], Events]) -> None:
        self._make = make
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(10)
        self.links: list[socket.socket] = []
        self.exchange = self.load(Http(connections=1))

    def load(self, traffic: Http) -> Exchange:
        """Load with that traffic."""
        words = request(traffic, "127.0.0.1", bytes(16))
        address = self.listener.getsockname()
        self.exchange = Exchange(traffic, socket.AF_INET, address, words, self._make())
        self.exchange.tally = Tally(0, EVER)
        return self.exchange

    def begin(self) -> socket.socket:
        """Send a request on a new connection; give the server's end of it."""
        self.exchange.begin(time.perf_counter_ns())
        link, _ = self.listener.accept()
        link.settimeout(10)
        self.links.append(link)
        opened = self.exchange.opened
        self.turn_until(lambda: self.exchange.opened > opened)
        return link

    def turn_until(self, reached: Callable[[], object]) -> None:
        """Turn until something holds."""
        deadline = time.monotonic() + 10
        while not reached():
            self.exchange.turn(0.01)
            assert time.monotonic() < deadline

    def answer(self, link: socket.socket, words: bytes) -> None:
        """Send bytes to the exchange, and have them taken."""
        link.sendall(words)
        busy = self.exchange.busy
        self.turn_until(lambda: self.exchange.busy < busy)

    @property
    def outcome(self) -> tuple[int, dict[str, int]]:
        """How many were answered, and what became of the others."""
        return self.exchange.tally.responses, dict(self.exchange.tally.errors)

    def close(self) -> None:
        """Close all."""
        self.exchange.close()
        for link in (self.listener, *self.links):
            link.close()
