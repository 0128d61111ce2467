"""The receiving side: a thread for each stream."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from netbench.errors import DriverError
from netbench.hdr import HistogramRecorder
from netbench.metrics import HistogramData, IntervalSeries, UdpReceiverRecord
from netbench.packing import to_fit
from netbench.worker.drivers.native_udp.analysis import StreamAnalysis
from netbench.worker.drivers.native_udp.header import tag_of
from netbench.worker.drivers.native_udp.mmsg import BatchReceiver, available
from netbench.worker.drivers.native_udp.plain import PlainReceiver
from netbench.worker.drivers.native_udp.sockets import dropped_by
from netbench.worker.recording import throughput_of, watch_intervals

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Callable, Sequence

    from netbench.clock import Window
    from netbench.traffic import Udp
    from netbench.worker.drivers.base import DriverTask
    from netbench.worker.recording import Schedule

__all__ = ("Receiving",)

#: What is still on its way after the end is waited for until nothing has come for this long ...
_IDLE_NS = 300_000_000
#: ... and for no longer than this.
_DRAIN_MAX_NS = 2_000_000_000


class Receiving:
    """Receives the datagrams of all streams.

    Args:
        task: What to do.
        traffic: The same, of its own kind.
        connections: A connected socket for each stream.
        window: The window on this worker's clock.
        offset_ns: This worker's clock less the client's.
        stop: Ends every thread at once.
        ending: Ends the window now; what is on its way is still taken.
    """

    def __init__(  # noqa: PLR0913 - it is all of this
        self,
        task: DriverTask,
        traffic: Udp,
        connections: Sequence[socket.socket],
        *,
        window: Window,
        offset_ns: int,
        stop: threading.Event,
        ending: threading.Event,
    ) -> None:
        self._size = traffic.payload_bytes
        self._connections = connections
        self._stop = stop
        self._ending = ending
        self._interval = window.interval_ns
        make = BatchReceiver if available() else PlainReceiver
        self._receivers = [
            make(connection, tag_of(task.cookie, stream), self._size) for stream, connection in enumerate(connections)
        ]
        theirs = window.shifted(-offset_ns)
        self._streams = [
            StreamAnalysis(
                from_ns=theirs.counted_from_ns,
                until_ns=theirs.end_ns,
                correction_ns=task.clock.shift_ns - offset_ns,
            )
            for _ in connections
        ]
        self._arrived = [0] * len(connections)
        self._drops_before: list[int | None] = []
        self._drops_after: list[int | None] = []
        self._series = IntervalSeries(ends_ns=(), amounts=())

    def functions(self, schedule: Schedule) -> list[Callable[[], None]]:
        """Give what is to run side by side, each in a thread of its own."""
        streams = range(len(self._connections))
        return [
            lambda: self._watch(schedule),
            *(lambda stream=stream: self._receive(stream, schedule.end) for stream in streams),
        ]

    def record(self) -> UdpReceiverRecord:
        """Give what was received."""
        received = tuple(stream.received for stream in self._streams)
        return UdpReceiverRecord(
            stream_received=received,
            received_bytes=sum(received) * self._size,
            duplicated=sum(stream.duplicated for stream in self._streams),
            reordered=sum(stream.reordered for stream in self._streams),
            socket_drops=self._drops(),
            stream_jitter_ns=tuple(stream.jitter_ns for stream in self._streams),
            delay=self._delays(),
            series=self._series,
            throughput=throughput_of(self._series, self._interval),
        )

    def _delays(self) -> HistogramData:
        merged = HistogramRecorder("ns")
        for stream in self._streams:
            merged.merge(stream.delays)
        return to_fit(merged.data())

    def _drops(self) -> int | None:
        if not self._drops_before or None in self._drops_before or None in self._drops_after:
            return None
        pairs = zip(self._drops_before, self._drops_after, strict=True)
        return sum(after - before for before, after in pairs if after is not None and before is not None)

    def _watch(self, schedule: Schedule) -> None:
        self._series = watch_intervals(schedule, self._ending, self._read)

    def _read(self) -> int:
        if not self._drops_before:
            self._drops_before = [dropped_by(connection) for connection in self._connections]
            self._drops_after = self._drops_before
        return sum(self._arrived) * self._size

    def _receive(self, stream: int, end: int) -> None:
        receiver, analysis, arrived = self._receivers[stream], self._streams[stream], self._arrived
        now, last = time.perf_counter_ns, 0
        while not self._stop.is_set():
            moment = now()
            if self._ending.is_set():
                end = min(end, moment)
            if moment >= end and (moment - max(end, last) > _IDLE_NS or moment - end > _DRAIN_MAX_NS):
                break
            try:
                batch = receiver.receive()
            except BlockingIOError:
                continue
            except ConnectionRefusedError:
                continue  # An answer to our answers: the client's socket is closed, its worker says why.
            except OSError as error:
                msg = f"a data socket broke: {error.strerror or error}"
                raise DriverError(msg, reason="connection-lost") from error
            counted = analysis.take(*batch)
            if counted:
                last = now()
                arrived[stream] += counted
        self._drops_after = [dropped_by(connection) for connection in self._connections]
