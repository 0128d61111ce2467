"""Comparing clocks, and the window on one of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.clock import ClockComparison, FourStamps, Window, compare

instants = st.integers(min_value=-(10**19), max_value=10**19)
delays = st.integers(min_value=0, max_value=10**10)

WINDOW = Window(start_ns=1000, warmup_ns=20, duration_ns=300, interval_ns=50)


def ping(sent_ns: int, there_ns: int, held_ns: int, back_ns: int, offset_ns: int) -> FourStamps:
    """Give the stamps of one ping-pong with a clock that is ahead by ``offset_ns``."""
    arrived_ns = sent_ns + there_ns
    left_ns = arrived_ns + held_ns
    return FourStamps(sent_ns, arrived_ns + offset_ns, left_ns + offset_ns, left_ns + back_ns)


pings = st.tuples(instants, delays, delays, delays)


@given(st.lists(pings, min_size=1, max_size=10), instants)
def test_the_true_offset_is_within_the_bound(tries: list[tuple[int, int, int, int]], offset_ns: int) -> None:
    """However unequal the ways there and back are."""
    comparison = compare(ping(*each, offset_ns) for each in tries)
    assert abs(comparison.offset_ns - offset_ns) <= comparison.bound_ns


@given(st.lists(pings, min_size=1, max_size=10), instants)
def test_the_bound_is_half_of_the_least_delay(tries: list[tuple[int, int, int, int]], offset_ns: int) -> None:
    """And a nanosecond for the halving."""
    least = min(there + back for _, there, _, back in tries)
    assert compare(ping(*each, offset_ns) for each in tries).bound_ns == least // 2 + 1


@given(instants, delays, delays, instants)
def test_equal_ways_give_the_exact_offset(sent_ns: int, way_ns: int, held_ns: int, offset_ns: int) -> None:
    """Then nothing is uncertain."""
    assert ping(sent_ns, way_ns, held_ns, way_ns, offset_ns).offset_ns == offset_ns


@given(pings, instants)
def test_the_time_that_the_other_side_holds_a_ping_does_not_count(
    one: tuple[int, int, int, int], offset_ns: int
) -> None:
    """The delay is the two ways alone."""
    assert ping(*one, offset_ns).delay_ns == one[1] + one[3]


@given(st.lists(pings, min_size=1, max_size=10))
def test_all_ping_pongs_are_counted(tries: list[tuple[int, int, int, int]]) -> None:
    """Those that were not the best, too."""
    assert compare(ping(*each, 0) for each in tries).samples == len(tries)


def test_a_negative_delay_gives_no_negative_bound() -> None:
    """A clock that was set back during a ping-pong."""
    assert compare([FourStamps(100, 0, 0, 50)]).bound_ns == 1


def test_nothing_is_not_compared() -> None:
    """There is no best of none."""
    with pytest.raises(ValueError, match=r".+"):
        compare([])


def test_the_best_ping_pong_decides() -> None:
    """The one with the least delay, not the mean."""
    slow, fast = ping(0, 900, 0, 100, offset_ns=7), ping(5000, 10, 0, 10, offset_ns=7)
    assert compare([slow, fast]) == ClockComparison(offset_ns=7, bound_ns=11, samples=2)


def test_traffic_counts_from_the_end_of_the_warm_up() -> None:
    """Not from the first send."""
    assert WINDOW.counted_from_ns == 1020


def test_the_warm_up_does_not_shorten_what_counts() -> None:
    """The end is later for it."""
    assert WINDOW.end_ns == 1320


@given(instants)
def test_a_window_is_as_long_on_another_clock(offset_ns: int) -> None:
    """Only its instants move."""
    shifted = WINDOW.shifted(offset_ns)
    assert (shifted.start_ns - WINDOW.start_ns, shifted.end_ns - WINDOW.end_ns) == (offset_ns, offset_ns)
