"""The client's event loop, turn by turn: requests go out, answers come in, failures are named."""

from __future__ import annotations

import errno
import os
import socket
from collections import deque
from time import perf_counter_ns
from typing import TYPE_CHECKING

from netbench.worker.drivers.native_http.answers import Answers
from netbench.worker.drivers.native_http.connection import Connection
from netbench.worker.drivers.native_http.events import READ, WRITE
from netbench.worker.drivers.native_http.tally import Tally
from netbench.worker.drivers.native_http.wire import MalformedError

if TYPE_CHECKING:
    from netbench.traffic import Http
    from netbench.worker.drivers.native_http.events import Events
    from netbench.worker.drivers.native_http.wire import Head

__all__ = ("Exchange", "tick_s")

_TICK_S = 0.05
_READ_MAX_BYTES = 256 * 1024
#: Room for a head besides the body, so that an answer can be read at once.
_HEAD_ROOM_BYTES = 4096
#: A closed loop whose connection failed waits for this long, so that a dead server is not stormed.
_COOLING_S = 0.01


def tick_s(traffic: Http) -> float:
    """Give how long a turn may wait, so that requests that are out of time are found soon."""
    return min(_TICK_S, traffic.timeout_s / 2)


class Exchange:
    """Sends requests on connections and takes their answers.

    A connection is idle, busy or cooling. What is idle waits for its owner to begin a request; in a closed loop one
    that was answered is followed by the next without a rest.

    Args:
        traffic: What to send.
        family: Address family of the server.
        address: Its address and port.
        request: One request as bytes.
        events: Says which connections are ready; closed by :meth:`close`.
    """

    def __init__(self, traffic: Http, family: int, address: tuple[object, ...], request: bytes, events: Events) -> None:
        self._family = family
        self._address = address
        self._request = request
        self._request_body_bytes = traffic.request_bytes
        self._once = traffic.connection == "per-request"
        self._timeout_ns = round(traffic.timeout_s * 1e9)
        self._read_bytes = min(_READ_MAX_BYTES, traffic.response_bytes + _HEAD_ROOM_BYTES)
        self._connections = [Connection() for _ in range(traffic.connections)]
        self._by_descriptor: dict[int, Connection] = {}
        self._events = events
        self._answers = Answers()
        self._sent_body_bytes = 0
        self._cooling: deque[tuple[int, Connection]] = deque()
        self._next_check = 0
        #: How long a turn may wait.
        self.tick_s = tick_s(traffic)
        #: Connections without a request.
        self.idle = list(self._connections)
        #: A request that is answered before this instant is followed by the next at once; 0 for none.
        self.repeat_until = 0
        #: Where requests are counted.
        self.tally = Tally(0, 0)
        #: The last failure that the system had a number for.
        self.failure: OSError | None = None
        #: Connections made so far.
        self.opened = 0

    @property
    def body_bytes(self) -> int:
        """Body bytes both ways so far."""
        return self._answers.body_bytes + self._sent_body_bytes

    @property
    def busy(self) -> int:
        """Requests under way."""
        return len(self._connections) - len(self.idle) - len(self._cooling)

    def begin(self, intended: int) -> None:
        """Send a request on an idle connection, after connecting where that is needed, which is part of its time."""
        connection = self.idle.pop()
        connection.busy = True
        self._begin(connection, intended)

    def turn(self, timeout_s: float) -> bool:
        """Wait until something is ready, see to all that is, and say whether anything was.

        Args:
            timeout_s: How long to wait at most.
        """
        by_descriptor = self._by_descriptor
        ready = self._events.wait(min(timeout_s, _COOLING_S) if self._cooling else timeout_s)
        for descriptor, mask in ready:
            if mask == READ:
                self._read(by_descriptor[descriptor])
            else:
                self._write_and_read(by_descriptor[descriptor], mask)
        now = perf_counter_ns()
        while self._cooling and self._cooling[0][0] <= now:
            self.idle.append(self._cooling.popleft()[1])
        if now >= self._next_check:
            self._next_check = now + round(self.tick_s * 1e9)
            for connection in self._connections:
                if connection.busy and now - connection.sent >= self._timeout_ns:
                    self._fail(connection, "timeout")
        return bool(ready)

    def hurry(self) -> None:
        """Go on with the only connection of a closed loop for a tick, as long as its answers are the usual one.

        It is what turns do, in as little code as can be: whatever runs between a wake-up and the next request is cold
        in the processor's caches, and delays it. A request is written down while the next one is under way, each by
        itself: many at once would take longer than an answer does, and delay its reading. The socket blocks, see
        :func:`make_lone_events`.
        """
        (connection,) = self._connections
        link, (usual, head) = connection.socket, self._answers.usual
        if link is None or head is None or head.close or not connection.waits:
            return
        recv, send, count, now = link.recv, link.send, self.tally.count, perf_counter_ns
        request, request_bytes, read_bytes = self._request, len(self._request), self._read_bytes
        intended, sent, written, answered = connection.intended, connection.sent, request_bytes, 0
        until = min(self.repeat_until, now() + round(self.tick_s * 1e9))
        data: bytes | None = None
        failure: OSError | None = None
        before, done = (0, 0, 0), 0
        try:
            while written == request_bytes:
                data = recv(read_bytes)
                done = now()
                if data != usual or done >= until:
                    break
                before = (intended, sent, done)
                data, intended, written = None, done, 0
                sent = now()
                written = send(request)
                count(*before, head)
                answered += 1
        except BlockingIOError:
            pass
        except OSError as error:
            failure = error
        if not written:
            # To send it failed, and what was answered before is not written down yet.
            count(*before, head)
            answered += 1
        connection.intended, connection.sent = intended, sent
        self._answers.body_bytes += answered * head.length
        self._sent_body_bytes += (answered - (written != request_bytes)) * self._request_body_bytes
        if failure is not None:
            self._fail_on(connection, failure)
        elif written != request_bytes:
            connection.out = memoryview(request)[written:]
            self._push(connection)
        elif data is not None:
            self._take(connection, data, done)

    def give_up(self) -> None:
        """Whatever is still under way has timed out."""
        for connection in self._connections:
            if connection.busy:
                self._fail(connection, "timeout")

    def close(self) -> None:
        """Close every connection."""
        for connection in self._connections:
            self._close(connection)
        self._events.close()

    def _begin(self, connection: Connection, intended: int) -> None:
        connection.out = self._request
        connection.intended = intended
        connection.sent = perf_counter_ns()
        if connection.socket is None:
            self._connect(connection)
        else:
            self._push(connection)

    def _connect(self, connection: Connection) -> None:
        try:
            code = connection.connect(self._family, self._address, once=self._once)
            if not code:
                self._watch(connection, WRITE)
        except OSError as error:
            code = error.errno or errno.EIO
        if code:
            self._fail_connecting(connection, code)

    def _connected(self, connection: Connection, link: socket.socket) -> None:
        code = link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._fail_connecting(connection, code)
            return
        connection.connecting = False
        self.opened += 1
        self._push(connection)

    def _push(self, connection: Connection) -> None:
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
            self._sent_body_bytes += self._request_body_bytes
            if connection.watched != READ:
                self._watch(connection, READ)
        else:
            connection.out = memoryview(out)[sent:]
            # A server may answer, with an error, before it has read all.
            self._watch(connection, READ | WRITE)

    def _write_and_read(self, connection: Connection, mask: int) -> None:
        if mask & ~READ and connection.socket is not None:
            if connection.connecting:
                self._connected(connection, connection.socket)
            else:
                self._push(connection)
        if mask & ~WRITE:
            self._read(connection)

    def _read(self, connection: Connection) -> None:
        link = connection.socket
        if link is None:
            return
        try:
            data = link.recv(self._read_bytes)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail_on(connection, error)
            return
        self._take(connection, data, perf_counter_ns())

    def _take(self, connection: Connection, data: bytes, done: int) -> None:
        if not connection.busy:
            # The server closed a connection that rests, or speaks unasked: the next request makes a new one.
            self._close(connection)
        elif not data:
            self._fail(connection, "closed")
        else:
            try:
                head = self._answers.take(connection, data)
            except MalformedError:
                self._fail(connection, "malformed")
                return
            if head is not None:
                self._complete(connection, head, done)

    def _complete(self, connection: Connection, head: Head, done: int) -> None:
        answered = (connection.intended, connection.sent, done, head)
        if head.close or self._once or connection.out is not None:
            self._close(connection)
        if done < self.repeat_until:
            # The next one is due at once: what this loop takes until it is sent is part of its time, so that the rate
            # times the mean response time is the number of connections (Little's law).
            self._begin(connection, done)
        else:
            connection.busy = False
            self.idle.append(connection)
        # Not before the next request was sent, so that the server has something to do meanwhile.
        self.tally.answered(answered)

    def _fail_connecting(self, connection: Connection, code: int) -> None:
        self.failure = OSError(code, os.strerror(code))
        kinds = {errno.ECONNREFUSED: "refused", errno.ECONNRESET: "reset", errno.ETIMEDOUT: "timeout"}
        self._fail(connection, kinds.get(code, "unsent"))

    def _fail_on(self, connection: Connection, error: OSError) -> None:
        self.failure = error
        if connection.busy:
            self._fail(connection, "timeout" if error.errno == errno.ETIMEDOUT else "reset")
        else:
            self._close(connection)

    def _fail(self, connection: Connection, kind: str) -> None:
        self.tally.failed(connection.intended, kind)
        connection.busy = False
        self._close(connection)
        if self.repeat_until:
            self._cooling.append((perf_counter_ns() + round(_COOLING_S * 1e9), connection))
        else:
            self.idle.append(connection)

    def _watch(self, connection: Connection, mask: int) -> None:
        link = connection.socket
        if link is None or connection.watched == mask:
            return
        if connection.watched:
            self._events.change(link.fileno(), mask)
        else:
            self._events.watch(link.fileno(), mask)
            self._by_descriptor[link.fileno()] = connection
        connection.watched = mask

    def _close(self, connection: Connection) -> None:
        link = connection.socket
        if link is not None and connection.watched:
            self._events.forget(link.fileno())
            del self._by_descriptor[link.fileno()]
        connection.close()
