"""A worker's clock, and meeting an instant on it."""

from __future__ import annotations

import threading
import time

from netbench.worker.timing import WorkerClock, meet_start, wait_until


def test_a_wait_ends_at_the_instant_and_not_before() -> None:
    """From sleep over spinning to the end."""
    due = time.perf_counter_ns() + 5_000_000
    assert wait_until(due, threading.Event()) >= due
    assert time.perf_counter_ns() >= due


def test_a_wait_for_what_is_over_ends_at_once() -> None:
    """And says when that was."""
    before = time.perf_counter_ns()
    assert before <= wait_until(before - 1, threading.Event()) <= time.perf_counter_ns()


def test_a_wait_that_is_stopped_ends_before_its_instant() -> None:
    """It would last for years."""
    stop = threading.Event()
    stop.set()
    far = 2**62
    assert wait_until(far, stop) < far
    assert wait_until(far, stop, spin_ns=0) < far


def test_a_start_is_met_after_its_rehearsals() -> None:
    """By the same function, which is told which of the two it is."""
    due = time.perf_counter_ns() + 20_000_000
    called: list[tuple[bool, int]] = []
    meet_start(due, threading.Event(), lambda real: called.append((real, time.perf_counter_ns())))
    *rehearsed, (real, at) = called
    assert real
    assert at >= due
    assert not any(real for real, _ in rehearsed)
    assert len(rehearsed) <= 500


def test_a_start_that_is_over_is_not_rehearsed() -> None:
    """It is late enough."""
    called: list[bool] = []
    meet_start(time.perf_counter_ns(), threading.Event(), called.append)
    assert called == [True]


def test_a_start_that_is_called_off_sends_nothing() -> None:
    """And waits no longer; it would be for years."""
    stop = threading.Event()
    stop.set()
    called: list[bool] = []
    meet_start(2**62, stop, called.append)
    assert not called


def test_an_instant_survives_the_way_to_the_steady_clock_and_back() -> None:
    """But for what the two clocks drift in between, far less than a millisecond."""
    clock = WorkerClock(shift_ns=5_000_000)
    instant = clock.now_ns() + 1_000_000_000
    assert abs(clock.at_monotonic_ns(clock.monotonic_at_ns(instant)) - instant) < 1_000_000
