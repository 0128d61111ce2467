"""The client's event loop against a server whose every byte the test writes."""

from __future__ import annotations

import socket
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from netbench.traffic import Http
from netbench.worker.drivers.native_http.events import SelectorEvents, make_events, make_lone_events
from netbench.worker.drivers.native_http.tally import Tally
from netbench.worker.drivers.native_http.wire import HEAD_MAX_BYTES, Head, answer, request
from tests.unit.worker.exchange_bench import ANSWER, EVER, RESET, Bench

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(
    params=[make_events, SelectorEvents, partial(make_lone_events, 0.01)], ids=["fastest", "everywhere", "lone"]
)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Give one, on either way to wait for sockets."""
    made = Bench(request.param)
    yield made
    made.close()


def test_answers_are_taken_again_and_again(bench: Bench) -> None:
    """The first is read, the next are known by heart, another one is read again."""
    link = bench.begin()
    bench.answer(link, ANSWER)
    for words in (ANSWER, ANSWER, answer("404 Not Found", 3, close=False), ANSWER):
        bench.exchange.begin(time.perf_counter_ns())
        bench.answer(link, words)
    tally = bench.exchange.tally
    assert (tally.status_codes, tally.received_bytes) == ({200: 4, 404: 1}, 43)
    assert (bench.exchange.body_bytes, bench.exchange.opened) == (43, 1)


@pytest.mark.parametrize("known", [False, True], ids=["strange", "known"])
def test_an_answer_may_come_in_any_pieces(bench: Bench, known: bool) -> None:  # noqa: FBT001 - a parameter
    """Byte for byte, after the same answer came in one piece too."""
    link = bench.begin()
    if known:
        bench.answer(link, ANSWER)
        bench.exchange.begin(time.perf_counter_ns())
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for place in range(len(ANSWER) - 1):
        link.sendall(ANSWER[place : place + 1])
        assert bench.exchange.busy == 1
        bench.exchange.turn(5)
    bench.answer(link, ANSWER[-1:])
    assert bench.outcome == (1 + known, {})
    assert bench.exchange.body_bytes == 10 * (1 + known)


def test_a_body_larger_than_a_read_is_taken_whole(bench: Bench) -> None:
    """Over several reads."""
    bench.load(Http(connections=1, response_bytes=10))
    link = bench.begin()
    bench.answer(link, answer("200 OK", 100_000, close=False))
    assert (bench.outcome, bench.exchange.tally.received_bytes) == ((1, {}), 100_000)


@pytest.mark.parametrize(
    "words",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"x" * (HEAD_MAX_BYTES + 1),
        ANSWER + b"x",
        ANSWER + ANSWER,
        ANSWER[:-1] + b"xx",
    ],
    ids=["another-protocol", "endless-head", "too-long", "two", "too-long-by-one"],
)
def test_what_is_no_answer_is_malformed(bench: Bench, words: bytes) -> None:
    """And ends the connection."""
    bench.answer(bench.begin(), words)
    assert bench.outcome == (0, {"malformed": 1})


def test_more_than_the_body_is_malformed_in_a_later_read_too(bench: Bench) -> None:
    """A byte too many after the body has begun."""
    link = bench.begin()
    link.sendall(ANSWER[:-5])
    bench.turn_until(lambda: bench.exchange.body_bytes == 5)
    bench.answer(link, ANSWER[-5:] + b"x")
    assert bench.outcome == (0, {"malformed": 1})


@pytest.mark.parametrize("words", [b"", ANSWER[:20], ANSWER[:-1]], ids=["before", "in-the-head", "in-the-body"])
def test_a_connection_that_ends_before_the_answer_is_closed(bench: Bench, words: bytes) -> None:
    """Wherever it ends."""
    link = bench.begin()
    link.sendall(words)
    link.shutdown(socket.SHUT_WR)
    bench.turn_until(lambda: not bench.exchange.busy)
    assert bench.outcome == (0, {"closed": 1})


def test_a_reset_has_a_name(bench: Bench) -> None:
    """And is kept as the last failure."""
    link = bench.begin()
    link.recv(65_536)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    link.close()
    bench.turn_until(lambda: not bench.exchange.busy)
    assert (bench.outcome, isinstance(bench.exchange.failure, ConnectionResetError)) == ((0, {"reset": 1}), True)


def test_nobody_there_is_refused(bench: Bench) -> None:
    """The port was closed."""
    bench.listener.close()
    bench.exchange.begin(time.perf_counter_ns())
    bench.turn_until(lambda: not bench.exchange.busy)
    assert (bench.outcome, bench.exchange.opened) == ((0, {"refused": 1}), 0)


def test_what_takes_too_long_has_timed_out(bench: Bench) -> None:
    """Though nothing at all happens."""
    bench.load(Http(connections=1, timeout_s=0.01))
    bench.exchange.begin(time.perf_counter_ns())
    bench.turn_until(lambda: not bench.exchange.busy)
    assert bench.outcome == (0, {"timeout": 1})


def test_what_is_given_up_has_timed_out(bench: Bench) -> None:
    """At the end of a run."""
    bench.begin()
    bench.exchange.give_up()
    assert (bench.outcome, bench.exchange.busy) == ((0, {"timeout": 1}), 0)


def test_a_large_request_is_sent_whole(bench: Bench) -> None:
    """In as many pieces as the kernel takes."""
    traffic = Http(method="POST", request_bytes=16_000_000, connections=1)
    bench.load(traffic)
    link = bench.begin()
    left = len(request(traffic, "127.0.0.1", bytes(16)))
    link.settimeout(0)
    while left:
        bench.exchange.turn(0)
        try:
            left -= len(link.recv(1_000_000))
        except BlockingIOError:
            continue
    assert bench.exchange.body_bytes == 16_000_000
    bench.answer(link, ANSWER)
    bench.exchange.begin(time.perf_counter_ns())
    assert (bench.outcome, bench.exchange.opened) == ((1, {}), 1)


def test_an_early_answer_counts_and_ends_its_connection(bench: Bench) -> None:
    """The rest of the request would be taken for the next one."""
    bench.load(Http(method="POST", request_bytes=16_000_000, connections=1))
    bench.answer(bench.begin(), ANSWER)
    bench.begin()
    assert (bench.outcome, bench.exchange.opened) == ((1, {}), 2)


def test_an_answer_that_says_close_is_followed_by_a_new_connection(bench: Bench) -> None:
    """In a closed loop at once."""
    bench.exchange.repeat_until = EVER
    link = bench.begin()
    link.sendall(answer("200 OK", 10, close=True))
    bench.turn_until(lambda: bench.exchange.opened == 2)
    assert (bench.outcome, bench.exchange.busy) == ((1, {}), 1)


@pytest.mark.parametrize("words", [b"", ANSWER], ids=["closes", "speaks"])
def test_a_server_that_does_something_unasked_costs_no_request(bench: Bench, words: bytes) -> None:
    """A resting connection is closed, and the next request makes a new one."""
    link = bench.begin()
    bench.answer(link, ANSWER)
    link.sendall(words)
    link.shutdown(socket.SHUT_WR)
    bench.exchange.turn(5)
    bench.answer(bench.begin(), ANSWER)
    assert (bench.outcome, bench.exchange.opened) == ((2, {}), 2)


def test_a_closed_loop_goes_on_until_its_end(bench: Bench) -> None:
    """An answer before it is followed by a request, one after it is not."""
    bench.exchange.repeat_until = EVER
    link = bench.begin()
    words = len(request(Http(), "127.0.0.1", bytes(16)))
    for _ in range(3):
        assert len(link.recv(65_536)) == words
        link.sendall(ANSWER)
        bench.exchange.turn(5)
    assert bench.exchange.busy == 1
    bench.exchange.repeat_until = 0
    bench.answer(link, ANSWER)
    assert (bench.outcome, len(bench.exchange.idle)) == ((4, {}), 1)


def test_in_a_closed_loop_a_request_is_meant_for_when_the_last_was_answered(bench: Bench) -> None:
    """So that the response times fill the whole time (Little's law)."""
    bench.exchange.repeat_until = EVER
    before = time.perf_counter_ns()
    link = bench.begin()
    for _ in range(5):
        link.recv(65_536)
        link.sendall(ANSWER)
        bench.exchange.turn(5)
    after = time.perf_counter_ns()
    response, service, lateness = (each.data() for each in bench.exchange.tally.histograms)
    assert response.count == service.count == lateness.count == 5
    assert response.total == service.total + lateness.total <= after - before


def test_a_connection_that_failed_cools_before_it_is_idle(bench: Bench) -> None:
    """A server that closes at once is not stormed in a closed loop."""
    bench.exchange.repeat_until = EVER
    bench.begin().close()
    bench.turn_until(lambda: not bench.exchange.busy)
    cooling = not bench.exchange.idle
    bench.turn_until(lambda: bench.exchange.idle)
    assert cooling


def test_requests_that_are_put_away_one_by_one_count_as_all_at_once_do() -> None:
    """In whatever order, and those outside of the window not at all."""
    single, many = Tally(100, 200), Tally(100, 200)
    for place, intended in enumerate((99, 100, 150, 199, 200)):
        for tally in (single, many):
            tally.answered((intended, intended + place, intended + 7, Head(status=200 + place, length=7, close=False)))
    while single.waiting:
        single.flush_one()
    assert single.status_codes == many.status_codes == {201: 1, 202: 1, 203: 1}
    assert single.received_bytes == many.received_bytes
    assert [each.data() for each in single.histograms] == [each.data() for each in many.histograms]


def test_only_requests_of_the_window_count() -> None:
    """By when they were meant to be sent, answered or not."""
    tally = Tally(100, 200)
    head = Head(status=200, length=7, close=False)
    for intended in (99, 100, 199, 200):
        tally.answered((intended, intended + 1, intended + 3, head))
        tally.failed(intended, "reset")
    assert tally.waiting == 4
    assert (tally.responses, tally.errors, tally.received_bytes, tally.waiting) == (2, {"reset": 2}, 14, 0)
    assert [each.data().total for each in tally.histograms] == [6, 4, 2]
