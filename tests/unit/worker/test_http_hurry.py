"""The closed loop of one connection, which takes the usual answers in as few lines as can be."""

from __future__ import annotations

import socket
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from netbench.traffic import Http
from netbench.worker.drivers.native_http.events import make_lone_events
from netbench.worker.drivers.native_http.wire import answer, request
from tests.unit.worker.exchange_bench import ANSWER, EVER, RESET, Bench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Hurry:
    """A closed loop of one connection whose answer is known, and a server that answers in a thread."""

    def __init__(self) -> None:
        self.bench = Bench(partial(make_lone_events, 0.5))
        self.bench.load(Http(method="POST", request_bytes=50, connections=1))
        self.bench.exchange.tick_s = 0.5
        self.words = request(Http(method="POST", request_bytes=50), "127.0.0.1", bytes(16))
        link = self.bench.begin()
        self.bench.answer(link, ANSWER)
        self.bench.exchange.repeat_until = EVER
        assert self.take(link)
        self.bench.exchange.begin(time.perf_counter_ns())

    def take(self, link: socket.socket) -> bool:
        """Take a whole request, and say whether there was one."""
        text = b""
        while len(text) < len(self.words):
            more = link.recv(len(self.words) - len(text))
            if not more:
                return False
            text += more
        assert text == self.words
        return True

    def run(self, *answers: bytes, then: Callable[[socket.socket], object] | None = None) -> None:
        """Have the server give these answers and then do something, or take one more request; hurry meanwhile."""
        (link,) = self.bench.links

        def serve() -> None:
            for words in answers:
                self.take(link)
                link.sendall(words)
            (then or self.take)(link)

        server = threading.Thread(target=serve)
        server.start()
        self.bench.exchange.hurry()
        server.join()


@pytest.fixture
def hurry() -> Iterator[Hurry]:
    """Give one."""
    made = Hurry()
    yield made
    made.bench.close()


def test_a_lone_loop_counts_usual_answers_as_turns_do(hurry: Hurry) -> None:
    """With its own lateness for each, and all of the time (Little's law)."""
    before = time.perf_counter_ns()
    hurry.run(*[ANSWER] * 20)
    after = time.perf_counter_ns()
    response, service, lateness = (each.data() for each in hurry.bench.exchange.tally.histograms)
    assert hurry.bench.outcome == (21, {})
    assert hurry.bench.exchange.body_bytes == 21 * 10 + 22 * 50
    assert response.count == 21
    assert response.total == service.total + lateness.total
    assert response.total < after - before + 10**9
    assert hurry.bench.exchange.busy == 1


def test_a_lone_loop_leaves_an_unusual_answer_to_the_turns(hurry: Hurry) -> None:
    """And goes on with it."""
    other = answer("404 Not Found", 3, close=False)
    hurry.run(ANSWER, other)
    assert hurry.bench.exchange.tally.status_codes == {200: 2, 404: 1}
    assert hurry.bench.exchange.busy == 1


def test_a_lone_loop_leaves_a_piece_of_an_answer_to_the_turns(hurry: Hurry) -> None:
    """The rest comes later."""
    hurry.run(ANSWER, ANSWER[:-1], then=lambda _: None)
    (link,) = hurry.bench.links
    hurry.bench.exchange.repeat_until = 0
    hurry.bench.answer(link, ANSWER[-1:])
    assert hurry.bench.outcome == (3, {})


def test_a_lone_loop_ends_with_its_window(hurry: Hurry) -> None:
    """The answer after its end is followed by no request."""
    hurry.bench.exchange.repeat_until = time.perf_counter_ns()
    (link,) = hurry.bench.links
    hurry.take(link)
    link.sendall(ANSWER)
    hurry.bench.exchange.hurry()
    assert (hurry.bench.outcome, hurry.bench.exchange.busy) == ((2, {}), 0)


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (lambda link: link.shutdown(socket.SHUT_RDWR), "closed"),
        (lambda link: (link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET), link.close()), "reset"),
    ],
    ids=["closes", "resets"],
)
def test_a_lone_loop_names_the_end_of_its_connection(
    hurry: Hurry, end: Callable[[socket.socket], object], kind: str
) -> None:
    """As turns do."""
    hurry.run(ANSWER, ANSWER, then=end)
    assert hurry.bench.outcome == (3, {kind: 1})


def test_a_lone_loop_that_is_not_answered_comes_back(hurry: Hurry) -> None:
    """So that its owner can look for requests that are out of time."""
    hurry.bench.exchange.tick_s = 0.01
    began = time.monotonic()
    hurry.run(ANSWER)
    assert time.monotonic() - began < 5
    assert (hurry.bench.outcome, hurry.bench.exchange.busy) == ((2, {}), 1)
