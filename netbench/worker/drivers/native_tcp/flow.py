"""One direction of a pair on one side: its streams' threads, and the thread that watches them."""

from __future__ import annotations

import random
import select
import socket
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from netbench.errors import DriverError
from netbench.hdr import HistogramRecorder
from netbench.metrics import IntervalSeries, TcpReceiverRecord, TcpSenderRecord
from netbench.worker.drivers.native_tcp.sockets import TICK_S, keep_little_unsent
from netbench.worker.drivers.native_tcp.tcp_info import congestion_of, read_tcp_info
from netbench.worker.drivers.native_tcp.wakeups import WakeUps
from netbench.worker.host import processors
from netbench.worker.recording import throughput_of, watch_intervals
from netbench.worker.timing import meet_start, wait_until

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from netbench.traffic import Direction, Tcp
    from netbench.worker.recording import Schedule

__all__ = ("Receiving", "Sending")

#: Bytes of one read: a larger buffer falls out of the cache, a smaller one costs more calls.
_READ_BYTES = 256 * 1024
#: Random bytes to send, again and again: they stay in the cache however large one write is.
_FILLER_BYTES = 128 * 1024
#: Writes no larger than this do without the limit of what is unsent: each would wait for the one before.
_SMALL_WRITE_BYTES = 128 * 1024
#: What a rehearsed write writes.
_NOTHING = [memoryview(b"")]
#: A paced sender writes at least this often, in smaller pieces than it otherwise would, so that its rate is even.
_PACE_S = 0.005
#: A receiver goes on for this long after the window for what is still on its way, so that no sender is cut off.
_DRAIN_NS = 1_000_000_000


class Sending:
    """Sends over the window.

    Streams that send as fast as they can share a thread for each processor, which writes to whichever stream has little
    left to send: a stream's buffer that is filled to the brim before the next one's turn holds what is no longer in the
    cache, and the receiver pays for that. A paced stream has a thread of its own.
    """

    def __init__(
        self,
        *,
        traffic: Tcp,
        direction: Direction,
        seed: int,
        connections: Sequence[socket.socket],
        stop: threading.Event,
    ) -> None:
        self._traffic = traffic
        self._direction: Direction = direction
        self._connections = connections
        self._stop = stop
        rate_bps = None if traffic.rate_bps is None else traffic.rate_bps / traffic.streams
        self._bytes_per_s = None if rate_bps is None else rate_bps / 8
        size = traffic.payload_bytes
        if self._bytes_per_s is not None:
            size = min(size, max(1, round(self._bytes_per_s * _PACE_S)))
        self._write = _filler(size, seed)
        self._counts = _Counts(len(connections))
        self._first: list[int | None] = [None] * len(connections)
        self._rtt = HistogramRecorder("ns")
        self._window = HistogramRecorder("byte")
        self._retransmits_before: list[int | None] = []
        self._retransmits_after: list[int | None] = []
        self._interval = 0
        self._series = IntervalSeries(ends_ns=(), amounts=())

    @property
    def first_send(self) -> int | None:
        """The reading of ``time.perf_counter_ns`` at the first send; None before it."""
        return min((first for first in self._first if first is not None), default=None)

    def functions(self, schedule: Schedule) -> list[Callable[[], None]]:
        """Give what is to run side by side, each in a thread of its own."""
        groups = self._groups()
        return [lambda: self._watch(schedule), *(lambda group=group: self._send(group, schedule) for group in groups)]

    def record(self) -> TcpSenderRecord:
        """Give what was seen."""
        rtt, window = self._rtt.data(), self._window.data()
        return TcpSenderRecord(
            direction=self._direction,
            stream_bytes=self._counts.counted(),
            series=self._series,
            throughput=throughput_of(self._series, self._interval),
            retransmits=_difference(self._retransmits_before, self._retransmits_after),
            rtt=rtt if rtt.count else None,
            congestion_window=window if window.count else None,
            congestion=congestion_of(self._connections[0]),
        )

    def _groups(self) -> list[range]:
        """Give the streams of each thread."""
        streams = len(self._connections)
        threads = streams if self._bytes_per_s is not None else min(streams, processors())
        return [range(first, streams, threads) for first in range(threads)]

    def _send(self, group: range, schedule: Schedule) -> None:
        try:
            if self._bytes_per_s is None and self._traffic.payload_bytes > _SMALL_WRITE_BYTES:
                for index in group:
                    keep_little_unsent(self._connections[index])
            meet_start(schedule.start, self._stop, partial(self._send_first, group.start))
            if self._bytes_per_s is None:
                self._send_fast(group, schedule.end)
            else:
                self._send_paced(group.start, self._connections[group.start], schedule, self._bytes_per_s)
            for index in group:
                self._connections[index].shutdown(socket.SHUT_WR)
        except OSError as error:
            if not self._stop.is_set():
                raise _lost(error) from error

    def _send_first(self, index: int, real: bool) -> None:  # noqa: FBT001 - either of the two, by position
        if real:
            self._first[index] = time.perf_counter_ns()
        with suppress(BlockingIOError):
            self._counts.totals[index] += self._connections[index].sendmsg(
                self._write if real else _NOTHING, (), socket.MSG_DONTWAIT
            )

    def _send_fast(self, group: range, end: int) -> None:
        """Write to each stream that can take something; one that cannot holds up no other."""
        writable = select.poll()
        sends = {}
        for index in group:
            writable.register(self._connections[index], select.POLLOUT)
            sends[self._connections[index].fileno()] = index, self._connections[index].sendmsg
        write, totals = self._write, self._counts.totals
        stopped, now = self._stop.is_set, time.perf_counter_ns
        while now() < end and not stopped():
            for descriptor, _ in writable.poll(TICK_S * 1000):
                index, send = sends[descriptor]
                try:
                    totals[index] += send(write, (), socket.MSG_DONTWAIT)
                except BlockingIOError:
                    continue

    def _send_paced(self, index: int, connection: socket.socket, schedule: Schedule, bytes_per_s: float) -> None:
        """Send by absolute instants, so that a late wake-up is made good and the rate does not drift."""
        totals, ns_per_byte = self._counts.totals, 1e9 / bytes_per_s
        while not self._stop.is_set():
            due = schedule.start + round(totals[index] * ns_per_byte)
            if due >= schedule.end:
                return
            wait_until(due, self._stop, spin_ns=0)
            try:
                totals[index] += connection.sendmsg(self._write)
            except BlockingIOError:
                if time.perf_counter_ns() >= schedule.end:
                    return

    def _watch(self, schedule: Schedule) -> None:
        self._interval = schedule.interval
        self._series = watch_intervals(schedule, self._stop, self._read, self._sample)

    def _read(self) -> int:
        if not self._retransmits_before:
            infos = [read_tcp_info(connection) for connection in self._connections]
            self._retransmits_before = [None if info is None else info.retransmits for info in infos]
            self._retransmits_after = list(self._retransmits_before)
        return self._counts.read()

    def _sample(self) -> None:
        for index, connection in enumerate(self._connections):
            info = read_tcp_info(connection)
            if info is not None:
                self._rtt.record_many((info.rtt_ns,))
                self._window.record_many((info.congestion_window_bytes,))
                self._retransmits_after[index] = info.retransmits


class Receiving:
    """Receives over the window in one thread a stream."""

    def __init__(
        self, *, traffic: Tcp, direction: Direction, connections: Sequence[socket.socket], stop: threading.Event
    ) -> None:
        self._discard = traffic.receive == "discard"
        self._direction: Direction = direction
        self._connections = connections
        self._stop = stop
        self._counts = _Counts(len(connections))
        self._first: list[int | None] = [None] * len(connections)
        self._interval = 0
        self._series = IntervalSeries(ends_ns=(), amounts=())

    @property
    def first_arrival(self) -> int | None:
        """The reading of ``time.perf_counter_ns`` when the first bytes were read; None before that."""
        return min((first for first in self._first if first is not None), default=None)

    def functions(self, schedule: Schedule) -> list[Callable[[], None]]:
        """Give what is to run side by side, each in a thread of its own."""
        streams = range(len(self._connections))
        return [
            lambda: self._watch(schedule),
            *(lambda index=index: self._receive(index, schedule.end + _DRAIN_NS) for index in streams),
        ]

    def record(self) -> TcpReceiverRecord:
        """Give what was seen."""
        return TcpReceiverRecord(
            direction=self._direction,
            stream_bytes=self._counts.counted(),
            series=self._series,
            throughput=throughput_of(self._series, self._interval),
        )

    def _receive(self, index: int, until: int) -> None:
        try:
            self._receive_all(index, self._connections[index], until)
        except OSError as error:
            if not self._stop.is_set():
                raise _lost(error) from error

    def _receive_all(self, index: int, connection: socket.socket, until: int) -> None:
        buffer = bytearray(_READ_BYTES)
        flags = socket.MSG_TRUNC if self._discard else 0
        receive, totals = connection.recv_into, self._counts.totals
        stopped, now = self._stop.is_set, time.perf_counter_ns
        wake_ups = WakeUps(connection)
        look_ns = 0
        while (moment := now()) < until and not stopped():
            if moment >= look_ns:
                look_ns = wake_ups.adapt(moment, totals[index])
            try:
                received = receive(buffer, _READ_BYTES, flags)
            except BlockingIOError:
                continue  # The tick: nothing came for a while.
            if not received:
                return
            if not totals[index]:
                self._first[index] = now()
            totals[index] += received

    def _watch(self, schedule: Schedule) -> None:
        self._interval = schedule.interval
        self._series = watch_intervals(schedule, self._stop, self._counts.read)


class _Counts:
    """Bytes of each stream: each written by its own thread, all read by the watching one."""

    def __init__(self, streams: int) -> None:
        self.totals = [0] * streams
        self._at_begin: tuple[int, ...] | None = None
        self._at_end: tuple[int, ...] = ()

    def read(self) -> int:
        """Read the sum, and keep the first and the last reading of each stream."""
        self._at_end = tuple(self.totals)
        if self._at_begin is None:
            self._at_begin = self._at_end
        return sum(self._at_end)

    def counted(self) -> tuple[int, ...]:
        """Give each stream's bytes between the first and the last reading, which is what the series sums up to."""
        begin = self._at_begin or self._at_end
        return tuple(end - start for start, end in zip(begin, self._at_end, strict=True)) or (0,) * len(self.totals)


def _filler(size: int, seed: int) -> list[memoryview]:
    """Give the parts of one write of so many bytes."""
    block = memoryview(random.Random(seed).randbytes(min(size, _FILLER_BYTES)))  # noqa: S311 - filler, no secret
    whole, rest = divmod(size, len(block))
    return [*([block] * whole), *([block[:rest]] if rest else [])]


def _difference(before: Sequence[int | None], after: Sequence[int | None]) -> int | None:
    if not before or None in before or None in after:
        return None
    return sum(end - start for start, end in zip(before, after, strict=True) if end is not None and start is not None)


def _lost(error: OSError) -> DriverError:
    return DriverError(f"a data connection broke off: {error.strerror or error}", reason="connection-lost")
