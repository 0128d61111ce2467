"""Intervals of throughput."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.histogram import Histogram
from netbench.metrics import IntervalSeries
from netbench.worker.recording import IntervalNotes, Schedule, throughput_of, watch_intervals

SECOND = 1_000_000_000


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=50))
def test_whole_intervals_of_a_second_give_their_bytes_times_eight(amounts: list[int]) -> None:
    """One value an interval."""
    ends = tuple((index + 1) * SECOND for index in range(len(amounts)))
    histogram = Histogram.from_data(throughput_of(IntervalSeries(ends_ns=ends, amounts=tuple(amounts)), SECOND))
    assert (histogram.count, histogram.maximum) == (len(amounts), max(amounts) * 8)


def test_a_short_rest_at_the_end_is_left_out() -> None:
    """A tenth of an interval says little about the rate."""
    series = IntervalSeries(ends_ns=(SECOND, SECOND + SECOND // 10), amounts=(1000, 0))
    assert throughput_of(series, SECOND).count == 1


def test_an_interval_that_was_read_late_counts_with_its_real_length() -> None:
    """Two seconds long, so half the rate."""
    series = IntervalSeries(ends_ns=(2 * SECOND,), amounts=(1000,))
    assert Histogram.from_data(throughput_of(series, SECOND)).maximum == 4000


def test_a_watch_that_is_stopped_before_the_window_has_no_interval() -> None:
    """Nothing counted, and nothing is made up."""
    stop = threading.Event()
    stop.set()
    far = 2**62
    schedule = Schedule(start=far, counted_from=far, end=far + SECOND, interval=SECOND)
    assert watch_intervals(schedule, stop, lambda: 0) == IntervalSeries(ends_ns=(), amounts=())


def test_a_watch_notes_the_bytes_of_its_window() -> None:
    """A counter that grows by ten each time it is read, over a window in the past."""
    counter = iter(range(0, 1000, 10))
    schedule = Schedule(start=0, counted_from=0, end=3, interval=1)
    series = watch_intervals(schedule, threading.Event(), lambda: next(counter))
    assert series.amounts == (10,)


#: Three intervals, of which the last is shorter.
SCHEDULE = Schedule(start=0, counted_from=10, end=35, interval=10)


def test_notes_are_due_at_each_interval_s_end_and_then_never() -> None:
    """The last one is shorter, where the window is no multiple of it."""
    notes = IntervalNotes(SCHEDULE, lambda: 0)
    due = []
    while notes.is_open:
        due.append(notes.due)
        notes.note(notes.due)
    assert due == [20, 30, 35]


def test_a_note_that_comes_late_stands_for_all_intervals_that_are_over() -> None:
    """One that is longer, and none of no length after it."""
    notes = IntervalNotes(SCHEDULE, lambda: 0)
    notes.note(31)
    assert notes.due == 35


def test_a_note_after_the_window_is_the_last() -> None:
    """Whatever was under way."""
    notes = IntervalNotes(SCHEDULE, lambda: 0)
    notes.note(35)
    assert not notes.is_open


def test_notes_before_the_window_counts_are_none() -> None:
    """A sender that is stopped in its warm-up has no interval."""
    notes = IntervalNotes(SCHEDULE, lambda: 0)
    assert (notes.note(10), notes.series()) == (False, IntervalSeries(ends_ns=(), amounts=()))


def test_what_was_counted_before_the_notes_belongs_to_no_interval() -> None:
    """A counter at 5 that grows by ten each time it is read."""
    counter = iter(range(5, 1000, 10))
    notes = IntervalNotes(SCHEDULE, lambda: next(counter))
    notes.note(20)
    assert notes.series().amounts == (10,)


@pytest.mark.parametrize("length", [0, 50, 103])
def test_a_short_tcp_info_of_an_old_kernel_is_no_measurement(length: int) -> None:
    """Rather than 0 for what is not there."""
    from netbench.worker.drivers.native_tcp.tcp_info import parse_tcp_info  # noqa: PLC0415 - Linux's part

    assert parse_tcp_info(bytes(length)) is None
