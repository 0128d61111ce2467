"""What became of the requests."""

from __future__ import annotations

from array import array
from collections import Counter

from netbench.hdr import HistogramRecorder

__all__ = ("Tally",)

#: Samples are put into histograms in bulk: one by one takes five times as long.
_BULK = 1024


class Tally:
    """Collects the requests that were meant to start in the window.

    Args:
        begin: Instants from here ...
        end: ... to before here count.
    """

    def __init__(self, begin: int, end: int) -> None:
        self._begin = begin
        self._end = end
        self._samples = tuple((array("q"), HistogramRecorder("ns")) for _ in range(3))
        self.status_codes: Counter[int] = Counter()
        self.errors: Counter[str] = Counter()
        self.received_bytes = 0
        self.sent_bytes = 0

    @property
    def responses(self) -> int:
        """Requests that were answered whole."""
        return sum(self.status_codes.values())

    @property
    def histograms(self) -> tuple[HistogramRecorder, HistogramRecorder, HistogramRecorder]:
        """Response time, service time, send lateness."""
        self.flush()
        (_, response), (_, service), (_, lateness) = self._samples
        return response, service, lateness

    @property
    def full(self) -> bool:
        """Whether enough samples wait to be put into the histograms."""
        return len(self._samples[0][0]) >= _BULK

    def counts(self, intended: int) -> bool:
        """Whether a request that was meant to start then belongs to the window."""
        return self._begin <= intended < self._end

    def answered(self, *, intended: int, sent: int, done: int, status: int) -> None:
        """Take a request of the window that was answered whole. Instants are of ``time.perf_counter_ns``."""
        (responses, _), (services, _), (lateness, _) = self._samples
        responses.append(done - intended)
        services.append(done - sent)
        lateness.append(sent - intended)
        self.status_codes[status] += 1

    def flush(self) -> None:
        """Put the waiting samples into the histograms."""
        for samples, recorder in self._samples:
            recorder.record_many(samples)
            del samples[:]
