"""The client's event loop: one thread that keeps connections busy, in a closed loop or on a schedule."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import struct
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from netbench.errors import DriverError
from netbench.worker.drivers.native_http.tally import Tally
from netbench.worker.drivers.native_http.wire import (
    HEAD_END,
    HEAD_MAX_BYTES,
    Head,
    MalformedError,
    parse_response,
)
from netbench.worker.timing import wait_until

if TYPE_CHECKING:
    import threading

    from netbench.traffic import Http
    from netbench.worker.recording import Schedule

__all__ = ("Loading",)

_TICK_S = 0.05
_READ_BYTES = 256 * 1024
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
#: epoll's timeouts are whole milliseconds and end late; the last stretch before a request is due is spent polling.
_POLL_NS = 3_000_000
_MARGIN_NS = 2_500_000
#: A closed loop whose connection failed waits for this long, so that a dead server is not stormed.
_COOLING_NS = 10_000_000
#: What is under way when the run is stopped may still be answered for this long.
_STOP_GRACE_NS = 250_000_000
#: Heads that are known by heart.
_HEADS_MAX = 256
_RESET = struct.pack("@ii", 1, 0)


class _Connection:
    __slots__ = ("busy", "connecting", "head", "intended", "out", "remaining", "response", "sent", "serial", "socket")

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.connecting = False
        self.busy = False
        self.serial = 0
        self.intended = 0
        self.sent = 0
        self.out: memoryview | None = None
        self.head = b""
        self.response: Head | None = None
        self.remaining = 0


class Loading:
    """Sends requests and takes their answers.

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
        self._traffic = traffic
        self._family = family
        self._address = address
        self._request = memoryview(request)
        self._stop = stop
        self._timeout_ns = round(traffic.timeout_s * 1e9)
        self._selector = selectors.DefaultSelector()
        self._connections = [_Connection() for _ in range(traffic.connections)]
        self._idle: list[_Connection] = []
        self._cooling: deque[tuple[int, _Connection]] = deque()
        self._in_flight: deque[tuple[int, _Connection, int]] = deque()
        self._busy = 0
        self._repeat = False
        self._end = 0
        self._heads: dict[bytes, Head] = {}
        self._buffer = bytearray(_READ_BYTES)
        self._view = memoryview(self._buffer)
        self._tally = Tally(0, 0)
        self._failure: OSError | None = None
        #: Connections made so far.
        self.opened = 0
        #: Body bytes both ways so far.
        self.body_bytes = 0
        #: The reading of ``time.perf_counter_ns`` at the first send of the run; None before it.
        self.first_send: int | None = None

    @property
    def tally(self) -> Tally:
        """What became of the requests of the window."""
        return self._tally

    def probe(self, timeout_s: float) -> None:
        """Open every connection and have one request answered on each, so that all is in place before the start.

        Raises:
            DriverError: A connection cannot be made, or its request is not answered.
        """
        begin = time.perf_counter_ns()
        self._tally = tally = Tally(begin, 2**63)
        for connection in self._connections:
            self._begin(connection, begin)
        while self._busy and not self._stop.is_set():
            self._poll(_TICK_S)
            if tally.errors or time.perf_counter_ns() - begin > timeout_s * 1e9:
                kinds = ", ".join(tally.errors) or "timeout"
                why = f": {self._failure.strerror or self._failure}" if self._failure is not None else ""
                host, port = self._address[:2]
                msg = f"the HTTP server at {host}:{port} does not answer ({kinds}{why})"
                raise DriverError(msg, reason="unreachable")
        wrong = [status for status in tally.status_codes if status != 200]  # noqa: PLR2004 - OK
        if wrong:
            msg = f"the HTTP server answered with status {wrong[0]}: something else listens there"
            raise DriverError(msg, reason="protocol")
        self._idle = list(self._connections)
        self.body_bytes = 0

    def run(self, schedule: Schedule) -> None:
        """Load the server over the window, then wait for what is still under way."""
        self._tally = Tally(schedule.counted_from, schedule.end)
        self._end = schedule.end
        wait_until(schedule.start, self._stop)
        self.first_send = time.perf_counter_ns()
        if self._traffic.rate_rps is None:
            self._run_closed()
        else:
            self._run_open(schedule.start, 1e9 / self._traffic.rate_rps)

    def close(self) -> None:
        """Close every connection."""
        for connection in self._connections:
            self._close(connection)
        self._selector.close()

    def _run_closed(self) -> None:
        self._repeat = True
        for connection in self._idle:
            self._begin(connection, time.perf_counter_ns())
        self._idle = []
        while time.perf_counter_ns() < self._end and not self._stop.is_set():
            while self._cooling and self._cooling[0][0] <= time.perf_counter_ns():
                _, connection = self._cooling.popleft()
                self._begin(connection, time.perf_counter_ns())
            self._poll(min(_TICK_S, _COOLING_NS / 1e9) if self._cooling else _TICK_S)
            if self._tally.full:
                self._tally.flush()
        self._repeat = False
        self._finish(deque())

    def _run_open(self, start: int, gap_ns: float) -> None:
        backlog: deque[int] = deque()
        number, due = 0, start
        while due < self._end and not self._stop.is_set():
            now = time.perf_counter_ns()
            while due <= now and due < self._end:
                backlog.append(due)
                number += 1
                due = start + round(number * gap_ns)
            self._send_backlog(backlog)
            left = due - now
            if left > _POLL_NS:
                if self._tally.full:
                    self._tally.flush()
                self._poll(min((left - _MARGIN_NS) / 1e9, _TICK_S))
            else:
                self._poll(0)
        self._finish(backlog)

    def _send_backlog(self, backlog: deque[int]) -> None:
        while backlog and self._idle:
            self._begin(self._idle.pop(), backlog.popleft())

    def _finish(self, backlog: deque[int]) -> None:
        """Wait for the answers that are due; what does not come is an error of its own kind."""
        until = time.perf_counter_ns() + (_STOP_GRACE_NS if self._stop.is_set() else self._timeout_ns)
        while (self._busy or backlog) and time.perf_counter_ns() < until:
            if self._stop.is_set():
                until = min(until, time.perf_counter_ns() + _STOP_GRACE_NS)
                backlog.clear()
            self._send_backlog(backlog)
            self._poll(0.001)
        if self._stop.is_set():
            return  # Not answered because nobody waited for it: these requests say nothing.
        for connection in self._connections:
            if connection.busy:
                self._fail(connection, "timeout")
        self._tally.errors["unsent"] += sum(1 for intended in backlog if self._tally.counts(intended))

    def _begin(self, connection: _Connection, intended: int) -> None:
        """Send a request, after connecting where that is needed, which is part of its time."""
        connection.busy = True
        connection.serial += 1
        connection.intended = intended
        connection.out = self._request
        self._busy += 1
        connection.sent = now = time.perf_counter_ns()
        self._in_flight.append((now + self._timeout_ns, connection, connection.serial))
        if connection.socket is None:
            self._connect(connection)
        else:
            self._push(connection)

    def _connect(self, connection: _Connection) -> None:
        try:
            made = connection.socket = socket.socket(self._family, socket.SOCK_STREAM)
            made.setblocking(False)  # noqa: FBT003 - the standard library's name
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._traffic.connection == "per-request":
                # Closing with a reset leaves no TIME_WAIT behind, which would use up the ports within seconds.
                made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._selector.register(made, _WRITE, connection)
            code = made.connect_ex(self._address)
        except OSError as error:
            code = error.errno or errno.EIO
        if code in {0, errno.EINPROGRESS}:
            connection.connecting = True
        else:
            self._fail_connecting(connection, code)

    def _push(self, connection: _Connection) -> None:
        out, link = connection.out, connection.socket
        if out is None or link is None:
            return
        try:
            sent = link.send(out)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._fail_on(connection, error)
            return
        if sent == len(out):
            connection.out = None
            self.body_bytes += self._traffic.request_bytes
            if self._selector.get_key(link).events != _READ:
                self._selector.modify(link, _READ, connection)
        else:
            connection.out = out[sent:]
            # A server may answer, with an error, before it has read all.
            self._selector.modify(link, _READ | _WRITE, connection)

    def _poll(self, timeout_s: float) -> None:
        for key, mask in self._selector.select(timeout_s):
            connection: _Connection = key.data
            if mask & _WRITE:
                if connection.connecting:
                    self._connected(connection)
                else:
                    self._push(connection)
            if mask & _READ and connection.socket is not None:
                self._read(connection)
        now = time.perf_counter_ns()
        while self._in_flight:
            deadline, connection, serial = self._in_flight[0]
            if connection.busy and connection.serial == serial:
                if deadline > now:
                    break
                self._fail(connection, "timeout")
            self._in_flight.popleft()

    def _connected(self, connection: _Connection) -> None:
        assert connection.socket is not None  # noqa: S101 - it is the one that was selected
        code = connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._fail_connecting(connection, code)
            return
        connection.connecting = False
        self.opened += 1
        self._push(connection)

    def _read(self, connection: _Connection) -> None:
        assert connection.socket is not None  # noqa: S101 - it is the one that was selected
        try:
            count = connection.socket.recv_into(self._buffer)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail_on(connection, error)
            return
        done = time.perf_counter_ns()
        if not connection.busy:
            # The server closed a connection that rests, or speaks unasked: the next request makes a new one.
            self._close(connection)
        elif not count:
            self._fail(connection, "closed")
        elif connection.response is not None:
            connection.remaining -= count
            self.body_bytes += count
            self._check_end(connection, done)
        else:
            self._read_head(connection, count, done)

    def _read_head(self, connection: _Connection, count: int, done: int) -> None:
        text = connection.head + bytes(self._view[:count])
        end = text.find(HEAD_END)
        if end < 0:
            connection.head = text
            if len(text) > HEAD_MAX_BYTES:
                self._fail(connection, "malformed")
            return
        end += len(HEAD_END)
        head = self._heads.get(text[:end])
        if head is None:
            try:
                head = parse_response(text[:end])
            except MalformedError:
                self._fail(connection, "malformed")
                return
            # All answers of a run are the same, but for the date that other servers than ours put into them.
            if len(self._heads) >= _HEADS_MAX:
                self._heads.clear()
            self._heads[text[:end]] = head
        connection.response = head
        connection.remaining = head.length - (len(text) - end)
        self.body_bytes += len(text) - end
        self._check_end(connection, done)

    def _check_end(self, connection: _Connection, done: int) -> None:
        if connection.remaining < 0:
            self._fail(connection, "malformed")
        elif not connection.remaining:
            self._complete(connection, done)

    def _complete(self, connection: _Connection, done: int) -> None:
        response = connection.response
        assert response is not None  # noqa: S101 - its head was read
        tally = self._tally
        if tally.counts(connection.intended):
            tally.answered(intended=connection.intended, sent=connection.sent, done=done, status=response.status)
            tally.received_bytes += response.length
            tally.sent_bytes += self._traffic.request_bytes
        self._rest(connection)
        if response.close or connection.out is not None or self._traffic.connection == "per-request":
            self._close(connection)
        if self._repeat and done < self._end:
            # The next one is due at once: what this loop takes until it is sent is part of its time, so that the rate
            # times the mean response time is the number of connections (Little's law).
            self._begin(connection, done)
        else:
            self._idle.append(connection)

    def _fail_connecting(self, connection: _Connection, code: int) -> None:
        self._failure = OSError(code, os.strerror(code))
        kinds = {errno.ECONNREFUSED: "refused", errno.ECONNRESET: "reset", errno.ETIMEDOUT: "timeout"}
        self._fail(connection, kinds.get(code, "unsent"))

    def _fail_on(self, connection: _Connection, error: OSError) -> None:
        self._failure = error
        if connection.busy:
            self._fail(connection, "timeout" if error.errno == errno.ETIMEDOUT else "reset")
        else:
            self._close(connection)

    def _fail(self, connection: _Connection, kind: str) -> None:
        if self._tally.counts(connection.intended):
            self._tally.errors[kind] += 1
        self._rest(connection)
        self._close(connection)
        if self._repeat:
            self._cooling.append((time.perf_counter_ns() + _COOLING_NS, connection))
        else:
            self._idle.append(connection)

    def _rest(self, connection: _Connection) -> None:
        self._busy -= 1
        connection.busy = False
        connection.head = b""
        connection.response = None

    def _close(self, connection: _Connection) -> None:
        if connection.socket is not None:
            with suppress(KeyError, ValueError):
                self._selector.unregister(connection.socket)
            connection.socket.close()
            connection.socket = None
        connection.connecting = False
        connection.out = None
