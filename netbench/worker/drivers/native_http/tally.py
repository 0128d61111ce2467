"""What became of the requests."""

from __future__ import annotations

from collections import Counter
from operator import sub
from typing import TYPE_CHECKING, TypeAlias

from netbench.hdr import HistogramRecorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from netbench.worker.drivers.native_http.wire import Head

__all__ = ("Answered", "Tally")

#: A request that was answered whole: when it was meant to be sent, when it was sent, when the answer was whole
#: (readings of ``time.perf_counter_ns``), and the answer's head.
Answered: TypeAlias = "tuple[int, int, int, Head]"


class Tally:
    """Collects the requests that were meant to start in the window.

    Args:
        begin: Instants from here ...
        end: ... to before here count.
    """

    def __init__(self, begin: int, end: int) -> None:
        self._begin = begin
        self._end = end
        self._waiting: list[Answered] = []
        self._histograms = (HistogramRecorder("ns"), HistogramRecorder("ns"), HistogramRecorder("ns"))
        self._status_codes: Counter[int] = Counter()
        self._received_bytes = 0
        self._left_late = 0
        #: Takes a request that was answered whole. Called for every one of them, so it does no more than keep it.
        self.answered: Callable[[Answered], None] = self._waiting.append
        self.errors: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        """Requests that were answered and not flushed yet."""
        return len(self._waiting)

    @property
    def responses(self) -> int:
        """Requests that were answered whole."""
        return sum(self.status_codes.values())

    @property
    def status_codes(self) -> Counter[int]:
        """How many answers there were of each status."""
        self.flush()
        return self._status_codes

    @property
    def received_bytes(self) -> int:
        """Body bytes of the answers."""
        self.flush()
        return self._received_bytes

    @property
    def left_late(self) -> int:
        """Of the requests that were answered whole, those that left after the window's end."""
        self.flush()
        return self._left_late

    @property
    def histograms(self) -> tuple[HistogramRecorder, HistogramRecorder, HistogramRecorder]:
        """Response time, service time, send lateness."""
        self.flush()
        return self._histograms

    def failed(self, intended: int, kind: str) -> None:
        """Take a request that was not answered."""
        if self._begin <= intended < self._end:
            self.errors[kind] += 1

    def count(self, intended: int, sent: int, done: int, head: Head) -> None:
        """Take a request that was answered whole, and have done with it: for whoever has the time after each."""
        if self._begin <= intended < self._end:
            response, service, lateness = self._histograms
            response.record(done - intended)
            service.record(done - sent)
            lateness.record(sent - intended)
            self._status_codes[head.status] += 1
            self._received_bytes += head.length
            self._left_late += sent >= self._end

    def flush_one(self) -> None:
        """Put one of the waiting requests where it counts."""
        self.count(*self._waiting.pop())

    def flush(self) -> None:
        """Put the waiting requests where they count: in bulk, for one by one takes five times as long."""
        counted = [each for each in self._waiting if self._begin <= each[0] < self._end]
        self._waiting.clear()
        if not counted:
            return
        intended, sent, done, heads = zip(*counted, strict=True)
        response, service, lateness = self._histograms
        response.record_many(map(sub, done, intended))
        service.record_many(map(sub, done, sent))
        lateness.record_many(map(sub, sent, intended))
        self._left_late += sum(map(self._end.__le__, sent))
        for head, count in Counter(heads).items():
            self._status_codes[head.status] += count
            self._received_bytes += head.length * count
