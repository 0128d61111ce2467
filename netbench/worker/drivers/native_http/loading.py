"""The client's thread: which request is due when, in a closed loop or on a schedule."""

from __future__ import annotations

import time
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING

from netbench.errors import DriverError
from netbench.worker.drivers.native_http.events import make_events, make_lone_events
from netbench.worker.drivers.native_http.exchange import Exchange, tick_s
from netbench.worker.drivers.native_http.tally import Tally
from netbench.worker.timing import wait_until

if TYPE_CHECKING:
    import threading

    from netbench.traffic import Http
    from netbench.worker.recording import Schedule

__all__ = ("Loading",)

#: epoll's timeouts are whole milliseconds and end late; the last stretch before a request is due is spent polling.
_POLL_NS = 3_000_000
_MARGIN_NS = 2_500_000
#: What is under way when the run is stopped may still be answered for this long.
_STOP_GRACE_NS = 250_000_000
#: From so many answered requests on, a closed loop uses the next moment with nothing to do to write them down; ...
_SOME = 32
#: ... so many do not wait for one. More would be no faster for each, and keep those that are under way waiting.
_MANY = 256
#: What one by itself takes at most, so that it is done before the next request is due.
_COUNT_NS = 10_000


class Loading:
    """Loads a server over a window.

    Args:
        traffic: What to send.
        family: Address family of the server.
        address: Its address and port.
        request: One request as bytes.
        stop: Ends the loop soon.
    """

    def __init__(
        self, traffic: Http, family: int, address: tuple[object, ...], request: bytes, stop: threading.Event
    ) -> None:
        self._rate_rps = traffic.rate_rps
        self._timeout_ns = round(traffic.timeout_s * 1e9)
        self._address = address
        self._stop = stop
        #: The only connection of a closed loop always waits for its answer.
        self._lone = traffic.connections == 1 and traffic.connection == "keep-alive" and traffic.rate_rps is None
        events = make_lone_events(tick_s(traffic)) if self._lone else make_events()
        self._exchange = Exchange(traffic, family, address, request, events)
        # On a schedule there is time after most answers. Many at once would take longer than an answer does, delay its
        # reading, and be taken for the server's.
        self._some = _SOME if traffic.rate_rps is None else 1
        #: The reading of ``time.perf_counter_ns`` at the first send of the run; None before it.
        self.first_send: int | None = None

    @property
    def tally(self) -> Tally:
        """What became of the requests of the window."""
        return self._exchange.tally

    @property
    def opened(self) -> int:
        """Connections made so far."""
        return self._exchange.opened

    @property
    def body_bytes(self) -> int:
        """Body bytes both ways so far."""
        return self._exchange.body_bytes

    def probe(self, timeout_s: float) -> None:
        """Open every connection and have one request answered on each, so that all is in place before the start.

        Raises:
            DriverError: A connection cannot be made, or its request is not answered.
        """
        begin = time.perf_counter_ns()
        exchange = self._exchange
        tally = exchange.tally = Tally(begin, 2**63)
        while exchange.idle:
            exchange.begin(begin)
        while exchange.busy and not self._stop.is_set():
            exchange.turn(exchange.tick_s)
            if tally.errors or time.perf_counter_ns() - begin > timeout_s * 1e9:
                kinds = ", ".join(tally.errors) or "timeout"
                failure = exchange.failure
                why = f": {failure.strerror or failure}" if failure is not None else ""
                host, port = self._address[:2]
                msg = f"the HTTP server at {host}:{port} does not answer ({kinds}{why})"
                raise DriverError(msg, reason="unreachable")
        wrong = [status for status in tally.status_codes if status != HTTPStatus.OK]
        if wrong:
            msg = f"the HTTP server answered with status {wrong[0]}: something else listens there"
            raise DriverError(msg, reason="protocol")

    def run(self, schedule: Schedule) -> None:
        """Load the server over the window, then wait for what is still under way."""
        self._exchange.tally = Tally(schedule.counted_from, schedule.end)
        wait_until(schedule.start, self._stop)
        self.first_send = time.perf_counter_ns()
        if self._rate_rps is None:
            self._run_closed(schedule.end)
        else:
            self._run_open(schedule, 1e9 / self._rate_rps)

    def close(self) -> None:
        """Close every connection."""
        self._exchange.close()

    def _run_closed(self, end: int) -> None:
        exchange = self._exchange
        exchange.repeat_until = end
        while (now := time.perf_counter_ns()) < end and not self._stop.is_set():
            while exchange.idle:
                exchange.begin(time.perf_counter_ns())
            self._turn(exchange.tick_s, end - now)
            if self._lone:
                exchange.hurry()
        exchange.repeat_until = 0
        self._finish(deque())

    def _run_open(self, schedule: Schedule, gap_ns: float) -> None:
        exchange = self._exchange
        backlog: deque[int] = deque()
        number, due = 0, schedule.start
        while due < schedule.end and not self._stop.is_set():
            now = time.perf_counter_ns()
            while due <= now and due < schedule.end:
                backlog.append(due)
                number += 1
                due = schedule.start + round(number * gap_ns)
            self._send(backlog)
            left = due - now
            self._turn(min((left - _MARGIN_NS) / 1e9, exchange.tick_s) if left > _POLL_NS else 0, left)
        self._finish(backlog)

    def _turn(self, timeout_s: float, left_ns: int) -> None:
        """Have the loop turn once; write answered requests down, where possible while there is nothing else to do.

        Args:
            timeout_s: How long to wait for something to be ready.
            left_ns: How long nothing will be due.
        """
        tally = self._exchange.tally
        if tally.waiting < self._some:
            self._exchange.turn(timeout_s)
            return
        ready = self._exchange.turn(0)
        if tally.waiting >= _MANY:
            tally.flush()
        elif not ready and left_ns > self._some * _COUNT_NS:
            if self._some > 1:
                tally.flush()
            else:
                tally.flush_one()

    def _send(self, backlog: deque[int]) -> None:
        while backlog and self._exchange.idle:
            self._exchange.begin(backlog.popleft())

    def _finish(self, backlog: deque[int]) -> None:
        """Wait for the answers that are due; what does not come is an error of its own kind."""
        until = time.perf_counter_ns() + (_STOP_GRACE_NS if self._stop.is_set() else self._timeout_ns)
        while (self._exchange.busy or backlog) and (now := time.perf_counter_ns()) < until:
            if self._stop.is_set():
                until = min(until, now + _STOP_GRACE_NS)
                backlog.clear()
            self._send(backlog)
            self._turn(0.001, until - now)
        if self._stop.is_set():
            return  # Not answered because nobody waited for it: these requests say nothing.
        self._exchange.give_up()
        for intended in backlog:
            self._exchange.tally.failed(intended, "unsent")
