"""The sending side: one thread for all streams, on a schedule of absolute instants.

It notes the intervals itself. A second thread that wakes for each of them waits for the interpreter's lock, which a
sender gives up in every system call and has back before the other one is awake: for milliseconds each send would wake
it, and take so much longer.
"""

from __future__ import annotations

import errno
import itertools
import random
import time
from typing import TYPE_CHECKING

from netbench.errors import DriverError
from netbench.hdr import HistogramRecorder
from netbench.metrics import HistogramData, IntervalSeries, UdpSenderRecord
from netbench.packing import to_two_digits
from netbench.worker.drivers.native_udp.header import HEADER_BYTES, tag_of
from netbench.worker.drivers.native_udp.mmsg import BatchSender, available
from netbench.worker.drivers.native_udp.plain import PlainSender
from netbench.worker.drivers.native_udp.sockets import open_loop
from netbench.worker.recording import IntervalNotes
from netbench.worker.timing import meet_start, wait_until

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Sequence

    from netbench.clock import Window
    from netbench.traffic import Udp
    from netbench.worker.drivers.base import DriverTask
    from netbench.worker.recording import Schedule

__all__ = ("Sending",)

#: A sleeping thread wakes this late or less nearly always; the rest of a gap is spent spinning.
_GAP_SPIN_NS = 300_000
#: One that does not spin wakes this late or less.
_WAKE_NS = 2_000_000
#: So many latenesses are written down at once, where nothing is due for as long as that takes; ...
_SOME, _WRITE_NS = 16, 30_000
#: ... so many do not wait for it.
_MANY = 512


class Sending:
    """Sends the datagrams of all streams over the window."""

    def __init__(
        self, task: DriverTask, traffic: Udp, connections: Sequence[socket.socket], stop: threading.Event
    ) -> None:
        self._clock = task.clock
        self._traffic = traffic
        self._stop = stop
        payload = random.Random(task.request.seed).randbytes(traffic.payload_bytes)  # noqa: S311 - filler, no secret
        self._streams = [
            _Stream(connection, tag_of(task.cookie, stream), payload) for stream, connection in enumerate(connections)
        ]
        self._family = connections[0].family
        self._series = IntervalSeries(ends_ns=(), amounts=())
        self._lateness = _Lateness()
        self.first_send: int | None = None

    def send(self, window: Window, schedule: Schedule) -> None:
        """Send over the window, in this thread."""
        notes = IntervalNotes(schedule, self._sent_bytes)
        with open_loop(self._family) as loop:
            self._send_first(_Stream(loop, 0, bytes(HEADER_BYTES)), window, schedule.start)
            pps = self._traffic.asked_pps
            if pps is None:
                self._send_unlimited(window, schedule.end, notes)
            else:
                self._send_paced(window, schedule, 1e9 / pps, notes)
        while notes.is_open:
            notes.note(wait_until(notes.due, self._stop, spin_ns=0))
            if self._stop.is_set():
                break
        self._series = notes.series()

    def record(self) -> UdpSenderRecord:
        """Give what was sent."""
        return UdpSenderRecord(
            stream_sent=tuple(stream.sent for stream in self._streams),
            sent_bytes=self._sent_bytes(),
            series=self._series,
            asked_pps=self._traffic.asked_pps,
            send_errors=sum(stream.errors for stream in self._streams),
            send_lateness=None if self._traffic.asked_pps is None else self._lateness.data(),
        )

    def _sent_bytes(self) -> int:
        return sum(stream.sent for stream in self._streams) * self._traffic.payload_bytes

    def _send_first(self, rehearsed: _Stream, window: Window, start: int) -> None:
        """Send one datagram at the start, after some to this host itself, so that the kernel's way is warm too."""
        first = self._streams[0]

        def send(real: bool) -> None:  # noqa: FBT001 - either of the two, by position
            stream = first if real else rehearsed
            stream.begun = time.perf_counter_ns()
            self._send_batch(stream, 1, window)

        meet_start(start, self._stop, send)
        self.first_send = first.begun

    def _send_unlimited(self, window: Window, end: int, notes: IntervalNotes) -> None:
        streams = itertools.cycle(self._streams)
        while (now := time.perf_counter_ns()) < end and not self._stop.is_set():
            if now >= notes.due:
                notes.note(now)
            stream = next(streams)
            self._send_batch(stream, stream.sender.batch, window)

    def _send_paced(self, window: Window, schedule: Schedule, gap_ns: float, notes: IntervalNotes) -> None:
        """Send each datagram at its own instant; after a stall what is due goes in batches, so no rate drifts."""
        streams = itertools.cycle(self._streams)
        first = next(streams)
        if self.first_send is not None:
            self._lateness.add(self.first_send - schedule.start, first.sent, gap_ns)
        total = round((schedule.end - schedule.start) / gap_ns)
        done = first.sequence + first.errors
        while done < total:
            instant = schedule.start + round(done * gap_ns)
            self._lateness.use_time_until(instant)
            while notes.due < instant - _WAKE_NS and not self._stop.is_set():
                # An interval ends long before: there is no need to be on time for it.
                now = wait_until(notes.due, self._stop, spin_ns=0)
                if now >= notes.due:
                    notes.note(now)
            now = wait_until(instant, self._stop, spin_ns=_GAP_SPIN_NS)
            if self._stop.is_set() or now >= schedule.end:
                return
            if now >= notes.due:
                notes.note(now)
                now = time.perf_counter_ns()
            due_count = min(int((now - schedule.start) / gap_ns) + 1, total)
            stream = next(streams)
            before = stream.sent
            done += self._send_batch(stream, min(max(due_count - done, 1), stream.sender.batch), window)
            self._lateness.add(now - instant, stream.sent - before, gap_ns)

    def _send_batch(self, stream: _Stream, count: int, window: Window) -> int:
        """Try to send some datagrams; give how many are dealt with, sent or refused."""
        stamp_ns = self._clock.now_ns()
        try:
            sent = stream.sender.send(count, stream.sequence, stamp_ns)
        except OSError as error:
            return _take_error(stream, error)
        stream.sequence += sent
        if window.counted_from_ns <= stamp_ns < window.end_ns:
            stream.sent += sent
        return sent


class _Stream:
    """A stream's sender, and how far it is."""

    def __init__(self, connection: socket.socket, tag: int, payload: bytes) -> None:
        make = BatchSender if available() else PlainSender
        self.sender = make(connection, tag, payload)
        self.sequence = 0
        self.sent = 0
        self.errors = 0
        self.begun: int | None = None


class _Lateness:
    """How late datagrams left, each of a batch due a gap after the one before."""

    def __init__(self) -> None:
        self._recorder = HistogramRecorder("ns")
        self._waiting: list[int] = []

    def add(self, lateness_ns: int, count: int, gap_ns: float) -> None:
        if count == 1:
            self._waiting.append(lateness_ns)
        else:
            gap = max(1, int(gap_ns))
            self._waiting.extend(range(lateness_ns, lateness_ns - count * gap, -gap))

    def use_time_until(self, instant: int) -> None:
        """Write down what waits for it, if it is worth it and there is the time."""
        count = len(self._waiting)
        if count >= _SOME and (count >= _MANY or instant - time.perf_counter_ns() > _WRITE_NS):
            self._write_down()

    def data(self) -> HistogramData:
        self._write_down()
        return to_two_digits(self._recorder.data())

    def _write_down(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._recorder.record_many(waiting)


def _take_error(stream: _Stream, error: OSError) -> int:
    if error.errno in {errno.EAGAIN, errno.EINTR}:
        return 0  # The tick: the queue was full all the while.
    if error.errno in {errno.ECONNREFUSED, errno.EBADF, errno.ENOTCONN}:
        msg = f"the server's port is not open any more: {error.strerror}"
        raise DriverError(msg, reason="connection-lost") from error
    # A full device queue, a filter, no route for a moment: this one was not sent, and was not lost by the network.
    stream.errors += 1
    return 1
