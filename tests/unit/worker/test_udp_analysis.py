"""What the datagrams of a stream tell, held against a slow and plain reading of the definitions."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.histogram import Histogram
from netbench.worker.drivers.native_udp.analysis import StreamAnalysis

GAP_NS = 1_000_000
#: Any arrivals of a few datagrams: lost, repeated and overtaken ones.
arrivals = st.lists(st.integers(0, 60), max_size=120)
delays = st.lists(st.integers(-5_000_000, 50_000_000), min_size=1, max_size=60)


def analysis(*, until: int = 1000) -> StreamAnalysis:
    """Count datagrams 0 to before ``until``, sent a millisecond apart."""
    return StreamAnalysis(from_ns=0, until_ns=until * GAP_NS, correction_ns=0)


def feed(stream: StreamAnalysis, numbers: list[int], batch: int) -> None:
    """Let datagrams arrive at once, in batches."""
    for begin in range(0, len(numbers), batch):
        part = numbers[begin : begin + batch]
        stamps = [number * GAP_NS for number in part]
        stream.take(part, stamps, stamps)


@given(arrivals, st.integers(1, 16))
def test_different_datagrams_are_counted_once(numbers: list[int], batch: int) -> None:
    """Received is the number of different ones, in whatever order and batches."""
    stream = analysis()
    feed(stream, numbers, batch)
    assert stream.received == len(set(numbers))


@given(arrivals, st.integers(1, 16))
def test_every_datagram_is_received_or_a_repetition(numbers: list[int], batch: int) -> None:
    """None is counted as both, none as nothing."""
    stream = analysis()
    feed(stream, numbers, batch)
    assert stream.received + stream.duplicated == len(numbers)


@given(arrivals, st.integers(1, 16))
def test_reordered_are_first_copies_that_come_after_a_later_one(numbers: list[int], batch: int) -> None:
    """RFC 4737: a sequence number below the next one expected."""
    stream = analysis()
    feed(stream, numbers, batch)
    expected, highest, seen = 0, -1, set[int]()
    for number in numbers:
        expected += number < highest and number not in seen
        seen.add(number)
        highest = max(highest, number)
    assert stream.reordered == expected


@given(st.integers(0, 10_000_000), st.integers(1, 500))
def test_a_gap_of_any_size_is_known_when_it_is_filled_late(begin: int, length: int) -> None:
    """Its datagrams are first copies, not repetitions."""
    stream = StreamAnalysis(from_ns=0, until_ns=2**62, correction_ns=0)
    late = list(range(begin, begin + length))
    numbers = [begin + length, *late]
    stream.take(numbers, [1] * len(numbers), [1] * len(numbers))
    assert (stream.received, stream.reordered, stream.duplicated) == (length + 1, length, 0)


@given(delays)
def test_jitter_is_that_of_the_rfc(transits: list[int]) -> None:
    """RFC 3550, appendix A.8: J += (|D| - J) / 16."""
    stream = analysis()
    stamps = [number * GAP_NS for number in range(len(transits))]
    stream.take(
        list(range(len(transits))), stamps, [stamp + transit for stamp, transit in zip(stamps, transits, strict=True)]
    )
    jitter = 0.0
    for before, after in pairwise(transits):
        jitter += (abs(after - before) - jitter) / 16
    assert stream.jitter_ns == pytest.approx(jitter)


@given(delays)
def test_delays_keep_their_sign(transits: list[int]) -> None:
    """A delay below 0 says that the clock bound is at work; it is not clamped."""
    stream = analysis()
    stamps = [number * GAP_NS for number in range(len(transits))]
    stream.take(
        list(range(len(transits))), stamps, [stamp + transit for stamp, transit in zip(stamps, transits, strict=True)]
    )
    histogram = Histogram.from_data(stream.delays.data())
    assert histogram.minimum == pytest.approx(min(transits) / 1e9)
    assert histogram.maximum == pytest.approx(max(transits) / 1e9)


def test_only_datagrams_sent_in_the_window_count() -> None:
    """Those of the warm-up, and those after the end, do not."""
    stream = StreamAnalysis(from_ns=2 * GAP_NS, until_ns=5 * GAP_NS, correction_ns=0)
    feed(stream, list(range(8)), 8)
    assert stream.received == 3


def test_the_clock_offset_is_taken_out_of_the_delay() -> None:
    """The receiver's clock is a second ahead, and the delay a microsecond."""
    stream = StreamAnalysis(from_ns=0, until_ns=10, correction_ns=-1_000_000_000)
    stream.take([0], [5], [5 + 1_000_000_000 + 1000])
    assert Histogram.from_data(stream.delays.data()).maximum == pytest.approx(1e-6)
