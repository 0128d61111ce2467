"""The sending side: one thread for all streams, on a schedule of absolute instants."""

from __future__ import annotations

import errno
import random
import time
from typing import TYPE_CHECKING

from netbench.errors import DriverError
from netbench.metrics import IntervalSeries, UdpSenderRecord
from netbench.worker.drivers.native_udp.header import tag_of
from netbench.worker.drivers.native_udp.mmsg import BatchSender, available
from netbench.worker.drivers.native_udp.plain import PlainSender
from netbench.worker.recording import watch_intervals
from netbench.worker.timing import wait_for_start, wait_until

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Callable, Sequence

    from netbench.clock import Window
    from netbench.traffic import Udp
    from netbench.worker.drivers.base import DriverTask
    from netbench.worker.recording import Schedule

__all__ = ("Sending",)

#: A sleeping thread wakes this late or less nearly always; the rest of a gap is spent spinning.
_GAP_SPIN_NS = 300_000


class Sending:
    """Sends the datagrams of all streams over the window."""

    def __init__(
        self, task: DriverTask, traffic: Udp, connections: Sequence[socket.socket], stop: threading.Event
    ) -> None:
        self._clock = task.clock
        self._traffic = traffic
        self._stop = stop
        payload = random.Random(task.request.seed).randbytes(traffic.payload_bytes)  # noqa: S311 - filler, no secret
        make = BatchSender if available() else PlainSender
        self._senders = [
            make(connection, tag_of(task.cookie, stream), payload) for stream, connection in enumerate(connections)
        ]
        self._sequences = [0] * len(connections)
        self._sent = [0] * len(connections)
        self._counted = 0
        self._errors = 0
        self._series = IntervalSeries(ends_ns=(), amounts=())
        self.first_send: int | None = None

    def functions(self, window: Window, schedule: Schedule) -> list[Callable[[], None]]:
        """Give what is to run side by side, each in a thread of its own."""
        return [lambda: self._watch(schedule), lambda: self._send(window, schedule)]

    def record(self) -> UdpSenderRecord:
        """Give what was sent."""
        return UdpSenderRecord(
            stream_sent=tuple(self._sent),
            sent_bytes=sum(self._sent) * self._traffic.payload_bytes,
            series=self._series,
            asked_pps=self._traffic.asked_pps,
            send_errors=self._errors,
        )

    def _watch(self, schedule: Schedule) -> None:
        size = self._traffic.payload_bytes
        self._series = watch_intervals(schedule, self._stop, lambda: self._counted * size)

    def _send(self, window: Window, schedule: Schedule) -> None:
        def rehearse() -> None:
            self._senders[0].send(0, 0, self._clock.now_ns())

        self.first_send = wait_for_start(schedule.start, self._stop, rehearse)
        pps = self._traffic.asked_pps
        if pps is None:
            self._send_unlimited(window, schedule.end)
        else:
            self._send_paced(window, schedule, 1e9 / pps)

    def _send_unlimited(self, window: Window, end: int) -> None:
        batch, streams = self._senders[0].batch, len(self._senders)
        turn = 0
        while time.perf_counter_ns() < end and not self._stop.is_set():
            self._send_batch(turn % streams, batch, window)
            turn += 1

    def _send_paced(self, window: Window, schedule: Schedule, gap_ns: float) -> None:
        """Send each datagram at its own instant; after a stall what is due goes in batches, so no rate drifts."""
        batch, streams = self._senders[0].batch, len(self._senders)
        total = round((schedule.end - schedule.start) / gap_ns)
        done, turn = 0, 0
        while done < total:
            wait_until(schedule.start + round(done * gap_ns), self._stop, spin_ns=_GAP_SPIN_NS)
            now = time.perf_counter_ns()
            if self._stop.is_set() or now >= schedule.end:
                return
            due = min(int((now - schedule.start) / gap_ns) + 1, total)
            done += self._send_batch(turn % streams, min(max(due - done, 1), batch), window)
            turn += 1

    def _send_batch(self, stream: int, count: int, window: Window) -> int:
        """Try to send some datagrams; give how many are dealt with, sent or refused."""
        stamp_ns = self._clock.now_ns()
        try:
            sent = self._senders[stream].send(count, self._sequences[stream], stamp_ns)
        except OSError as error:
            return self._take_error(error)
        self._sequences[stream] += sent
        if window.counted_from_ns <= stamp_ns < window.end_ns:
            self._sent[stream] += sent
            self._counted += sent
        return sent

    def _take_error(self, error: OSError) -> int:
        if error.errno in {errno.EAGAIN, errno.EINTR}:
            return 0  # The tick: the queue was full all the while.
        if error.errno in {errno.ECONNREFUSED, errno.EBADF, errno.ENOTCONN}:
            msg = f"the server's port is not open any more: {error.strerror}"
            raise DriverError(msg, reason="connection-lost") from error
        # A full device queue, a filter, no route for a moment: this one was not sent, and was not lost by the network.
        self._errors += 1
        return 1
