"""What one pair measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from netbench.clock import ClockComparison
from netbench.errors import InvalidArgumentError, MissingValueError
from netbench.metrics import UdpReceiverRecord, Usage
from netbench.result import CpuUse
from tests.unit.result.builders import (
    NS,
    START_NS,
    http_outcome,
    make_outcome,
    make_pair,
    tcp_outcome,
    tcp_records,
    udp_outcome,
)

if TYPE_CHECKING:
    from netbench.result import PairResult

NOTHING = make_pair(make_outcome([], []))


def both_ways() -> PairResult:
    """Give a pair that sent 10 bytes forward and 5 back in a second."""
    forward, reverse = tcp_records(10), tcp_records(5, direction="reverse")
    return make_pair(make_outcome([forward[0], reverse[1]], [forward[1], reverse[0]], window_ns=(0, NS)))


def test_the_window_is_when_traffic_counted() -> None:
    """In nanoseconds of the time base."""
    assert make_pair(tcp_outcome(1, window_ns=(5, 10))).window == (START_NS + 5, START_NS + 10)


def test_a_pair_stopped_before_it_counted_has_no_duration() -> None:
    """None, not 0 and not negative."""
    assert make_pair(tcp_outcome(1, window_ns=(10, 5))).window_s is None


def test_a_pair_stopped_before_it_counted_has_no_rates() -> None:
    """Nothing is divided by nothing."""
    pair = make_pair(udp_outcome(window_ns=(5, 5)))
    assert (pair.throughput_bps, pair.received_pps, pair.sent_pps) == (None, None, None)


def test_tcp_throughput_is_over_the_time_its_intervals_really_took() -> None:
    """Not over the window that was asked for."""
    assert make_pair(tcp_outcome(10, 30, window_ns=(0, 5 * NS))).throughput_bps == 160


def test_both_directions_are_added_up() -> None:
    """And told apart."""
    pair = both_ways()
    throughputs = (pair.throughput_bps, pair.forward_throughput_bps, pair.reverse_throughput_bps)
    assert throughputs == (120, 80, 40)


def test_a_direction_in_which_nothing_was_sent_has_no_throughput() -> None:
    """None, not 0."""
    assert make_pair(tcp_outcome(1)).reverse_throughput_bps is None


def test_http_throughput_counts_bodies_both_ways() -> None:
    """90 answers of 3,000 and requests of 1,000 bytes in two seconds."""
    assert make_pair(http_outcome(90)).throughput_bps == 90 * 4000 * 8 / 2


def test_udp_throughput_is_what_was_received() -> None:
    """Not what was sent."""
    assert make_pair(udp_outcome(2000, 1000)).throughput_bps == 1000 * 1000 * 8 / 2


@pytest.mark.parametrize(
    "figure",
    [
        "throughput_bps",
        "receiver_bandwidth",
        "sender_bandwidth",
        "sent_bytes",
        "received_bytes",
        "retransmits",
        "rtt",
        "congestion_window",
        "sent",
        "received",
        "lost",
        "loss_ratio",
        "duplicated",
        "reordered",
        "socket_drops",
        "send_errors",
        "jitter_s",
        "asked_pps",
        "sent_pps",
        "received_pps",
        "one_way_delay",
        "requests",
        "responses",
        "requests_per_s",
        "asked_rps",
        "status_codes",
        "errors",
        "response_time",
        "service_time",
        "send_lateness",
    ],
)
def test_what_nobody_measured_is_none(figure: str) -> None:
    """Never 0."""
    assert getattr(NOTHING, figure) is None


@pytest.mark.parametrize("figure", ["bandwidth", "latency"])
def test_a_histogram_that_nobody_measured_raises(figure: str) -> None:
    """The message names the pair."""
    with pytest.raises(MissingValueError, match=f"^worker-0 -> worker-1 has no {figure}: "):
        getattr(NOTHING, figure)


def test_lost_is_sent_less_received() -> None:
    """And a share of those sent."""
    pair = make_pair(udp_outcome(1000, 900))
    assert (pair.lost, pair.loss_ratio) == (100, 0.1)


def test_without_datagrams_there_is_no_loss_ratio() -> None:
    """Nothing was lost of nothing."""
    assert make_pair(udp_outcome(0, 0)).loss_ratio is None


def test_jitter_weighs_streams_by_what_they_received() -> None:
    """A stream that received nothing has none."""
    outcome = udp_outcome()
    measured = outcome.server.records[0]
    assert isinstance(measured, UdpReceiverRecord)
    receiver = attrs.evolve(measured, stream_received=(300, 100, 0), stream_jitter_ns=(1000.0, 5000.0, 9e9))
    pair = make_pair(attrs.evolve(outcome, server=attrs.evolve(outcome.server, records=(receiver,))))
    assert pair.jitter_s == pytest.approx(2e-6)


def test_negative_delays_are_kept() -> None:
    """They are within the bound of the clocks."""
    delay = make_pair(udp_outcome()).one_way_delay
    assert delay is not None
    assert delay.minimum == -1e-6


def test_the_clock_bound_without_a_second_comparison_is_the_firsts() -> None:
    """There is nothing else to go by."""
    pair = make_pair(tcp_outcome(1, offset_ns=7000))
    assert (pair.clock_offset_s, pair.clock_bound_s, pair.clock_drift_s) == (7e-6, 5e-7, None)


def test_the_clock_bound_takes_in_what_the_clocks_drifted() -> None:
    """The greater bound, and the drift."""
    after = ClockComparison(offset_ns=-100, bound_ns=800, samples=8)
    pair = make_pair(tcp_outcome(1, offset_ns=200, after=after))
    assert [pair.clock_bound_s, pair.clock_drift_s] == pytest.approx([1.1e-6, -3e-7])


def test_processor_time_is_summed_up() -> None:
    """Seconds, and as a share of one processor."""
    pair = make_pair(tcp_outcome(1))
    assert (pair.client_cpu, pair.server_cpu) == (CpuUse(1.0, 0.5), CpuUse(0.5, 0.25))


def test_processor_time_of_no_time_is_no_share() -> None:
    """Nothing is divided by nothing."""
    assert CpuUse.of(Usage(cpu_user_s=0.0, cpu_system_s=0.0, wall_s=0.0)).cores is None


def test_a_start_lateness_is_in_seconds() -> None:
    """It travels in nanoseconds."""
    assert make_pair(tcp_outcome(1)).start_lateness_s == 2e-6


def test_a_negative_round_is_refused() -> None:
    """Rounds count from 0."""
    with pytest.raises(InvalidArgumentError, match=r"^PairResult\(round_index=\)"):
        make_pair(tcp_outcome(1), round_index=-1)
