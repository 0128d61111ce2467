"""Figures over all pairs: totals count only while all pairs of a round were sending."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.errors import MissingValueError
from tests.unit.result.builders import (
    NS,
    http_outcome,
    make_outcome,
    make_pair,
    make_result,
    tcp_outcome,
    tcp_records,
    udp_outcome,
)

if TYPE_CHECKING:
    from netbench.messages import PairOutcome

amounts = st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=10)


@given(amounts)
def test_the_total_of_one_pair_is_its_throughput(each: list[int]) -> None:
    """There is nobody to wait for."""
    result = make_result(tcp_outcome(*each))
    assert result.total_throughput_bps == pytest.approx(result.pairs[0].throughput_bps)


@given(st.lists(st.lists(st.integers(0, 10**12), min_size=3, max_size=3), min_size=1, max_size=5))
def test_the_total_of_pairs_with_one_window_is_the_sum(pairs: list[list[int]]) -> None:
    """All of them send all the time."""
    result = make_result(*(tcp_outcome(*each, lateness_ns=0) for each in pairs))
    assert result.total_throughput_bps == pytest.approx(8 * sum(map(sum, pairs)) / 3)


def test_only_the_common_window_counts() -> None:
    """The first second of one pair and the last of the other are left out."""
    early = tcp_outcome(1000, 10, window_ns=(0, 2 * NS))
    late = tcp_outcome(20, 5000, window_ns=(NS, 3 * NS))
    assert make_result(early, late).total_throughput_bps == 8 * (10 + 20)


def test_a_part_of_an_interval_counts_in_part() -> None:
    """As if its bytes had come evenly."""
    early = tcp_outcome(0, 100, window_ns=(0, 2 * NS))
    late = tcp_outcome(40, 0, window_ns=(3 * NS // 2, 7 * NS // 2))
    assert make_result(early, late).total_throughput_bps == 8 * (50 + 20) / 0.5


def test_pairs_that_never_sent_together_have_no_total() -> None:
    """None, not 0."""
    one, other = tcp_outcome(10, window_ns=(0, NS)), tcp_outcome(10, window_ns=(NS, 2 * NS))
    assert make_result(one, other).total_throughput_bps is None


@pytest.mark.parametrize(("begin_ns", "overlap"), [(0, 1.0), (NS // 2, 0.75), (NS, 0.5), (2 * NS, 0.0), (5 * NS, 0.0)])
def test_the_overlap_is_a_share_of_the_longest_window(begin_ns: int, overlap: float) -> None:
    """0 where there is none."""
    late = tcp_outcome(1, 1, window_ns=(begin_ns, begin_ns + 2 * NS), lateness_ns=0)
    assert make_result(tcp_outcome(1, 1, lateness_ns=0), late).window_overlap == overlap


def test_a_pair_without_intervals_leaves_no_total() -> None:
    """A sum without it would be too small."""
    assert make_result(tcp_outcome(10), tcp_outcome(window_ns=(0, NS))).total_throughput_bps is None


def test_rounds_are_totalled_one_by_one() -> None:
    """Pairs of different rounds do not send together."""
    pairs = (make_pair(tcp_outcome(10)), make_pair(tcp_outcome(30, window_ns=(60 * NS, 61 * NS)), 1, round_index=1))
    assert make_result(pairs=pairs, rounds=2).round_throughputs_bps == (80.0, 240.0)


def test_the_total_over_rounds_is_their_mean() -> None:
    """A round without a total does not count."""
    pairs = (make_pair(tcp_outcome(10)), make_pair(tcp_outcome(30), 1, round_index=2))
    result = make_result(pairs=pairs, rounds=3)
    assert (result.round_throughputs_bps, result.total_throughput_bps) == ((80.0, None, 240.0), 160.0)


def test_both_directions_count_in_a_total() -> None:
    """Of each pair."""
    forward, reverse = tcp_records(10), tcp_records(5, direction="reverse")
    outcome = make_outcome([forward[0], reverse[1]], [forward[1], reverse[0]], window_ns=(0, NS))
    assert make_result(outcome).total_throughput_bps == 8 * 15


def test_counts_are_added_up() -> None:
    """Over all pairs."""
    result = make_result(udp_outcome(2000, 1900), udp_outcome(1000, 1000))
    assert (result.sent, result.received, result.lost, result.duplicated, result.reordered) == (3000, 2900, 100, 2, 4)


def test_the_loss_ratio_is_that_of_all_datagrams() -> None:
    """Not the mean of the pairs'."""
    assert make_result(udp_outcome(900, 900), udp_outcome(100, 50)).loss_ratio == 0.05


def test_a_count_that_one_pair_lacks_is_not_known() -> None:
    """A sum of the others would be too small."""
    assert make_result(tcp_outcome(1, retransmits=2), tcp_outcome(1, retransmits=None)).retransmits is None


def test_datagrams_per_second_are_added_up() -> None:
    """Over two seconds each."""
    assert make_result(udp_outcome(2000, 2000), udp_outcome(2000, 1000)).total_pps == 1500


def test_requests_per_second_are_added_up() -> None:
    """Over two seconds each."""
    assert make_result(http_outcome(90), http_outcome(10)).total_requests_per_s == 50


def test_errors_and_status_codes_are_added_up_by_kind() -> None:
    """Over all pairs."""
    result = make_result(http_outcome(5, {"timeout": 1, "reset": 2}), http_outcome(6, {"timeout": 3}))
    assert (result.errors, result.status_codes) == ({"reset": 2, "timeout": 4}, {"200": 11})


def test_no_errors_are_told_apart_from_unknown_ones() -> None:
    """HTTP without errors has none; TCP has no such thing."""
    assert (make_result(http_outcome()).errors, make_result(tcp_outcome(1)).errors) == ({}, None)


def test_bandwidth_has_one_value_an_interval_and_pair() -> None:
    """In bit/s."""
    result = make_result(tcp_outcome(1, 2), tcp_outcome(3, 4))
    assert list(result.bandwidth.values()) == [(8.0, 1), (16.0, 1), (24.0, 1), (32.0, 1)]


@pytest.mark.parametrize(
    ("outcome", "minimum"), [(tcp_outcome(1), 1e-4), (udp_outcome(), -1e-6), (http_outcome(), 1e-3)]
)
def test_latency_is_the_traffics_own(outcome: PairOutcome, minimum: float) -> None:
    """Round trip, one-way delay, response time; negative delays are kept."""
    assert make_result(outcome).latency.minimum == minimum


def test_a_latency_that_the_tool_did_not_report_is_missing() -> None:
    """The message names the tool."""
    result = make_result(make_outcome([], [], tool="iperf 2.1.8"))
    with pytest.raises(MissingValueError, match=r"^the result has no latency: iperf 2\.1\.8 did not report one$"):
        _ = result.latency


def test_tools_are_named_once() -> None:
    """In order."""
    result = make_result(tcp_outcome(1, tool="b"), tcp_outcome(1, tool="a"), tcp_outcome(1, tool="b"))
    assert result.tools == ("a", "b")
