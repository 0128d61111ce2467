"""What the datagrams of one stream tell: which came, which came twice, in which order, and after how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.hdr import HistogramRecorder

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("StreamAnalysis",)

_JITTER_GAIN = 16


class StreamAnalysis:
    """Takes datagrams as they arrive. One thread writes; the counters may be read by others.

    Args:
        from_ns: Datagrams with a send stamp from here ...
        until_ns: ... to before here count, on the sender's clock.
        correction_ns: Added to arrival minus send stamp: what the two clocks are apart.
    """

    def __init__(self, *, from_ns: int, until_ns: int, correction_ns: int) -> None:
        self._from_ns = from_ns
        self._until_ns = until_ns
        self._correction_ns = correction_ns
        self._next: int | None = None
        self._missing = bytearray()
        self._last_transit: int | None = None
        self._delays = HistogramRecorder("ns")
        self.received = 0
        self.duplicated = 0
        self.reordered = 0
        #: Interarrival jitter (RFC 3550, section 6.4.1 and appendix A.8) in nanoseconds.
        self.jitter_ns = 0.0

    @property
    def delays(self) -> HistogramRecorder:
        """One-way delays in nanoseconds."""
        return self._delays

    def take(self, sequences: Sequence[int], stamps: Sequence[int], arrivals: Sequence[int]) -> int:
        """Take a batch of datagrams in the order of their arrival.

        Returns:
            How many of them belong to the window, repetitions included.
        """
        if not sequences:
            return 0
        if min(stamps) < self._from_ns or max(stamps) >= self._until_ns:
            inside = [i for i, stamp in enumerate(stamps) if self._from_ns <= stamp < self._until_ns]
            sequences = [sequences[i] for i in inside]
            stamps = [stamps[i] for i in inside]
            arrivals = [arrivals[i] for i in inside]
            if not inside:
                return 0
        self._count(sequences)
        correction = self._correction_ns
        transits = [arrival - stamp + correction for arrival, stamp in zip(arrivals, stamps, strict=True)]
        self._delays.record_many(transits)
        self._update_jitter(transits)
        return len(transits)

    def _count(self, sequences: Sequence[int]) -> None:
        first, count = sequences[0], len(sequences)
        if first == self._next and sequences[-1] == first + count - 1 and _consecutive(sequences):
            self.received += count
            self._next = first + count
            return
        for sequence in sequences:
            self._count_one(sequence)

    def _count_one(self, sequence: int) -> None:
        if self._next is None:
            # Lower numbers were sent in the warm-up, or are late: should they come, they are told from repetitions.
            self._mark_missing(0, sequence)
        elif sequence < self._next:
            self._take_late(sequence)
            return
        else:
            self._mark_missing(self._next, sequence)
        self.received += 1
        self._next = sequence + 1

    def _take_late(self, sequence: int) -> None:
        byte, bit = sequence >> 3, 1 << (sequence & 7)
        if byte < len(self._missing) and self._missing[byte] & bit:
            self._missing[byte] &= ~bit
            self.received += 1
            self.reordered += 1
        else:
            self.duplicated += 1

    def _mark_missing(self, begin: int, end: int) -> None:
        """Set the bits of the numbers from begin to before end, which were passed over."""
        if begin >= end:
            return
        grow = (end + 7 >> 3) - len(self._missing)
        if grow > 0:
            self._missing.extend(bytes(grow))
        head = min(end, -(-begin // 8) * 8)
        for sequence in range(begin, head):
            self._missing[sequence >> 3] |= 1 << (sequence & 7)
        tail = max(head, end // 8 * 8)
        self._missing[head >> 3 : tail >> 3] = b"\xff" * ((tail - head) >> 3)
        for sequence in range(tail, end):
            self._missing[sequence >> 3] |= 1 << (sequence & 7)

    def _update_jitter(self, transits: Sequence[int]) -> None:
        jitter, last = self.jitter_ns, self._last_transit
        if last is None:
            last = transits[0]
        for transit in transits:
            jitter += (abs(transit - last) - jitter) / _JITTER_GAIN
            last = transit
        self.jitter_ns, self._last_transit = jitter, last


def _consecutive(sequences: Sequence[int]) -> bool:
    return len(sequences) == 1 or list(sequences) == list(range(sequences[0], sequences[0] + len(sequences)))
