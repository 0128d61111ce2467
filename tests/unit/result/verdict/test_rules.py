"""Each rule of the verdict: what breaks it, what does not, and what it says."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from netbench.metrics import HostCounters, HttpClientRecord, UdpSenderRecord, Usage
from netbench.traffic import Http, Tcp
from netbench.worker.host_counters import HostSnapshot
from tests.unit.result.builders import NS, http_outcome, make_failure, make_result, tcp_outcome, udp_outcome
from tests.unit.samples import record as histogram

if TYPE_CHECKING:
    from pathlib import Path

    from netbench.result import Doubt, Result


def usage(**changes: Any) -> Usage:  # noqa: ANN401 - whatever Usage takes
    """Give the use of a worker that had hardly anything to do."""
    quiet = {"cpu_user_s": 0.1, "cpu_system_s": 0.1, "wall_s": 2.0, "busiest_thread_s": 0.1, "run_queue_s": 0.01}
    return Usage(**{**quiet, "host": HostCounters(idle_share=0.9, softnet_dropped=0), **changes})


def host(**counters: Any) -> Usage:  # noqa: ANN401 - whatever HostCounters takes
    """Give a quiet worker on a host that counted this."""
    return usage(host=HostCounters(**{"idle_share": 0.9, "softnet_dropped": 0, **counters}))


def rules(result: Result) -> dict[str, Doubt]:
    """Give the rules that a result breaks."""
    return {doubt.rule: doubt for doubt in result.verdict.doubts}


QUIET: dict[str, Any] = {"client_usage": usage(), "server_usage": usage()}
#: A twentieth of a second each, all the same.
STEADY = (1_000_000,) * 40


def test_a_quiet_healthy_result_is_trusted() -> None:
    """Nothing is said against it, and nothing was out of sight."""
    verdict = make_result(tcp_outcome(1, 1, **QUIET)).verdict
    assert (verdict.trusted, str(verdict)) == (True, "trusted")


def test_what_no_worker_could_look_at_is_said() -> None:
    """A trusted result of a blind worker is worth less."""
    verdict = make_result(tcp_outcome(1, 1)).verdict
    assert verdict.unseen == ("run queues", "processors' idle time", "the kernel's packet backlog")


@pytest.mark.parametrize(
    ("result", "rule", "evidence"),
    [
        (make_result(tcp_outcome(1), failures=(make_failure(1),)), "incomplete", "1 of 2 pairs have no result"),
        (make_result(), "incomplete", "there is no pair"),
        (make_result(tcp_outcome(1), stopped_early=True), "stopped", "before its time"),
        (make_result(tcp_outcome(1, lateness_ns=30_000_000)), "late-start", "it started 30 ms late, of 1 s"),
        (
            make_result(tcp_outcome(1), tcp_outcome(1, window_ns=(NS // 2, 3 * NS // 2))),
            "overlap",
            "all its pairs were sending in only 50.0% of the time",
        ),
        (
            make_result(tcp_outcome(1), tcp_outcome(1, lateness_ns=NS // 2)),
            "overlap",
            "round 1: all its pairs were sending in only 50.0% of the time",
        ),
        (make_result(udp_outcome(bound_ns=40_000)), "clock-bound", "50 us is known to +-40 us"),
        (
            make_result(udp_outcome(sent=1500, received=1500)),
            "rate-not-kept",
            "750 datagrams sent each second of the 1,000 that were asked for (75.0%)",
        ),
        (
            make_result(udp_outcome(socket_drops=123)),
            "receive-buffer",
            "123 datagrams (6.15%) arrived and were dropped at the receiver's full buffer",
        ),
        (
            make_result(tcp_outcome(1, client_usage=usage(throttled_share=0.3, throttled_s=0.5))),
            "cpu-throttled",
            "in 30% of the scheduler's periods, 0.5 s",
        ),
        (
            make_result(tcp_outcome(1, client_usage=usage(busiest_thread_s=1.94))),
            "cpu-bound",
            "the sender's busiest thread used 0.97 of a processor",
        ),
        (
            make_result(tcp_outcome(1, client_usage=usage(cpu_user_s=1.9, busiest_thread_s=0.6))),
            "gil-bound",
            "used 0.95 of a processor in user space",
        ),
        (
            make_result(tcp_outcome(1, server_usage=usage(run_queue_s=0.5))),
            "run-queue",
            "had no processor for 25% of the time",
        ),
        (make_result(tcp_outcome(1, client_usage=host(steal_share=0.2))), "cpu-steal", "gave 20% of its processors'"),
        (make_result(tcp_outcome(1, client_usage=host(idle_share=0.01))), "host-busy", "idle for 1.0% of the time"),
        (make_result(tcp_outcome(1, client_usage=host(softnet_dropped=10))), "host-drops", "10 packets dropped"),
        (make_result(tcp_outcome(1, client_usage=host(interface_dropped=10))), "interface-drops", "10 packets"),
        (make_result(tcp_outcome(1, server_usage=host(softnet_squeezed=90))), "softirq", "90 times its kernel's"),
        (
            make_result(udp_outcome(sent=2000, received=1500, client_usage=host(udp_send_buffer_errors=400))),
            "send-drops",
            "datagrams (20.00% of those sent) were dropped at its own full queue",
        ),
        (
            make_result(udp_outcome(socket_drops=None, server_usage=host(udp_receive_buffer_errors=150))),
            "receive-buffer",
            "datagrams (5.00% of those sent) were dropped at full receive buffers of its network namespace",
        ),
        (
            make_result(tcp_outcome(1, client_usage=host(tcp_segments=1000, tcp_retransmits=50))),
            "retransmits",
            "5.0% of the segments sent there were sent again",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rule_that_is_broken_is_named_with_its_evidence(result: Result, rule: str, evidence: str) -> None:
    """And with what to do about it."""
    found = rules(result)
    assert rule in found
    assert evidence in found[rule].evidence
    assert found[rule].advice


def test_a_hosts_idle_time_before_the_start_is_no_time_left() -> None:
    """A quarter of a second of two and a quarter, in which the workers waited for the start."""
    full = usage(wall_s=2.25, host=HostCounters(idle_share=0.12, softnet_dropped=0))
    assert "host-busy" in rules(make_result(tcp_outcome(1, 1, client_usage=full)))
    left = usage(wall_s=2.25, host=HostCounters(idle_share=0.3, softnet_dropped=0))
    assert "host-busy" not in rules(make_result(tcp_outcome(1, 1, client_usage=left)))


def test_a_paced_senders_thread_may_be_busy() -> None:
    """It spins to meet its instants; only a rate that is not kept makes that a limit."""
    busy = usage(busiest_thread_s=1.99, run_queue_s=0.0)
    assert "cpu-bound" not in rules(make_result(udp_outcome(client_usage=busy)))
    assert "cpu-bound" in rules(make_result(udp_outcome(sent=1000, client_usage=busy)))


def test_an_open_loop_whose_requests_leave_late_is_named() -> None:
    """Its response times are the client's waiting."""
    outcome = http_outcome()
    (record,) = outcome.client.records
    assert isinstance(record, HttpClientRecord)
    late = attrs.evolve(record, asked_rps=45.0, send_lateness=record.response_time)
    result = make_result(attrs.evolve(outcome, client=attrs.evolve(outcome.client, records=(late,))))
    assert isinstance(result.spec.traffic, Http)
    assert "send-lateness" in rules(result)


@pytest.mark.parametrize(
    ("late_ns", "named"),
    [(900_000, set()), (1_500_000, set()), (2_500_000, {"send-lateness"})],
    ids=["below 1 ms", "below a gap", "beyond both"],
)
def test_datagrams_that_leave_late_by_more_than_a_millisecond_and_their_gap_are_named(
    late_ns: int, named: set[str]
) -> None:
    """One in fifty of a hundred, at 500 a second."""
    outcome = udp_outcome(sent=1000, received=1000, asked_pps=500.0)
    (record,) = outcome.client.records
    assert isinstance(record, UdpSenderRecord)
    late = attrs.evolve(record, send_lateness=histogram([*(98 * [1_000]), late_ns, late_ns], "ns"))
    result = make_result(attrs.evolve(outcome, client=attrs.evolve(outcome.client, records=(late,))))
    assert rules(result).keys() & {"send-lateness"} == named


@pytest.mark.parametrize(("sent", "amount"), [(800, 100), (1000, 99)], ids=["the rate was not kept", "too few"])
def test_datagrams_that_leave_late_are_not_named(sent: int, amount: int) -> None:
    """Where it is the rate that could not be kept; where one in a hundred is none."""
    outcome = udp_outcome(sent=sent, received=sent, asked_pps=500.0)
    (record,) = outcome.client.records
    assert isinstance(record, UdpSenderRecord)
    late = attrs.evolve(record, send_lateness=histogram(amount * [1_000_000_000], "ns"))
    result = make_result(attrs.evolve(outcome, client=attrs.evolve(outcome.client, records=(late,))))
    assert "send-lateness" not in rules(result)


def test_the_worst_of_several_is_the_evidence() -> None:
    """The others are named after it."""
    outcomes = [tcp_outcome(1, client_usage=usage(run_queue_s=waited)) for waited in (0.5, 1.5, 0.0)]
    doubt = rules(make_result(*outcomes))["run-queue"]
    assert doubt.value == pytest.approx(0.75)
    assert len(doubt.where) == 2
    assert "(and 1 more)" in doubt.evidence


def test_a_late_start_is_held_against_the_time_that_a_stopped_pair_had() -> None:
    """A second of the hour that was asked for."""
    result = make_result(tcp_outcome(1, lateness_ns=30_000_000), stopped_early=True)
    asked = attrs.evolve(result, spec=attrs.evolve(result.spec, duration_s=3600.0))
    assert "30 ms late, of 1 s" in rules(asked)["late-start"].evidence


def steadiness(*amounts: int) -> dict[str, Doubt]:
    """Judge a TCP pair with these bytes a second, of a run that was asked for two seconds."""
    return rules(make_result(tcp_outcome(*amounts, **QUIET)))


def test_a_steady_throughput_is_trusted() -> None:
    """The same all the time."""
    assert steadiness(*STEADY) == {}


def test_noise_is_not_taken_for_a_change() -> None:
    """Five percent up and down."""
    assert steadiness(*(1_000_000 + 50_000 * (-1) ** place for place in range(40))) == {}


def test_a_warm_up_that_is_still_visible_comes_with_a_suggestion() -> None:
    """Four seconds at half the rate."""
    doubt = steadiness(*(500_000,) * 4, *(1_000_000,) * 36)["warm-up"]
    assert "its first 4 s differ and move its mean by 5.0%" in doubt.evidence
    assert doubt.advice == "Measure again with warmup_s=4"


def test_a_stopped_runs_times_are_those_it_had() -> None:
    """Forty seconds of two hundred."""
    result = make_result(tcp_outcome(*(500_000,) * 4, *(1_000_000,) * 36, **QUIET), stopped_early=True)
    doubt = rules(attrs.evolve(result, spec=attrs.evolve(result.spec, duration_s=200.0)))["warm-up"]
    assert "its first 4 s differ" in doubt.evidence
    assert doubt.advice == "Measure again with warmup_s=4"


def test_a_change_in_the_middle_is_named_with_its_time() -> None:
    """A third less from there on."""
    noise = [20_000 * (-1) ** place for place in range(40)]
    amounts = [(1_000_000 if place < 24 else 660_000) + noise[place] for place in range(40)]
    doubt = steadiness(*amounts)["change-point"]
    assert "after 24 s" in doubt.evidence
    assert "-3" in doubt.evidence


def test_a_stall_in_the_middle_is_named_with_its_time() -> None:
    """Nothing for five seconds, then as before."""
    amounts = [0 if 20 <= place < 25 else 1_000_000 + 10_000 * (-1) ** place for place in range(40)]
    assert "after 20 s" in steadiness(*amounts)["change-point"].evidence


def test_a_steady_slope_is_a_trend_and_no_change() -> None:
    """A third more at the end."""
    found = steadiness(*(1_000_000 + 8_000 * place for place in range(40)))
    assert list(found) == ["trend"]
    assert "changed steadily, by +26%" in found["trend"].evidence


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_mere_noise_is_hardly_ever_a_doubt(share: float) -> None:
    """Of a hundred steady series of white noise at most two break a rule."""
    noise = random.Random(1)  # noqa: S311 - no secret
    series = [[max(0, round(1e6 * (1 + noise.gauss(0, share)))) for _ in range(20)] for _ in range(100)]
    assert sum(1 for amounts in series if steadiness(*amounts)) <= 2


def test_a_short_series_is_not_judged() -> None:
    """Two values say nothing about steadiness."""
    assert steadiness(1, 1_000_000) == {}


@pytest.mark.parametrize("rule", ["udp_receive_buffer_errors", "udp_send_buffer_errors"])
def test_a_senders_own_loss_is_a_share_of_what_its_own_pair_sent(rule: str) -> None:
    """And not of what twenty pairs did."""
    seen = host(**{rule: 10})
    bad = udp_outcome(sent=2000, received=1990, socket_drops=None, client_usage=seen, server_usage=seen)
    good = [udp_outcome(sent=2000, received=2000) for _ in range(19)]
    (doubt,) = rules(make_result(bad, *good)).values()
    assert "0.50% of those sent" in doubt.evidence


def test_segments_sent_again_are_named_for_http() -> None:
    """Requests go one way and answers the other, so both sides send."""
    seen = host(tcp_segments=1000, tcp_retransmits=30)
    for outcome in (http_outcome(100, client_usage=seen), http_outcome(100, server_usage=seen)):
        assert "retransmits" in rules(make_result(outcome))


@pytest.mark.parametrize(("sent", "is_kept"), [(3, True), (2, False)])
def test_a_window_has_room_for_a_whole_number_of_datagrams(sent: int, *, is_kept: bool) -> None:
    """Two seconds of 1.67 each second are three datagrams, and not 3.34."""
    result = make_result(udp_outcome(sent=sent, received=sent, asked_pps=1.67))
    assert ("rate-not-kept" not in rules(result)) == is_kept


def test_requests_that_left_after_the_window_are_no_kept_rate() -> None:
    """All connections were waiting until then."""
    result = make_result(http_outcome(100, left_late=30))
    assert result.total_requests_per_s == 35
    assert "rate-not-kept" in rules(result)


@pytest.mark.parametrize("counter", ["udp_receive_buffer_errors", "udp_send_buffer_errors", "interface_dropped"])
def test_what_others_lost_is_no_doubt_where_the_traffic_lost_nothing(counter: str) -> None:
    """Frames that the host does not know, or the farewells of a program, count in a namespace too."""
    seen = host(**{counter: 100})
    whole = udp_outcome(sent=2000, received=2000, socket_drops=None, client_usage=seen, server_usage=seen)
    assert rules(make_result(whole)) == {}


def test_interfaces_dropped_nothing_of_a_connection_that_sent_nothing_again() -> None:
    """TCP's losses show in its retransmits."""
    seen = host(interface_dropped=100, tcp_segments=1000, tcp_retransmits=0)
    outcome = tcp_outcome(1, client_usage=seen, server_usage=seen)
    assert "interface-drops" not in rules(make_result(outcome))


#: /proc/stat's first line before and after, in the kernel's form; between both, 115 of 1,798 ticks were stolen.
STOLEN = (
    "cpu  2161 0 642 11817 212 0 8 402 0 0\n",
    "cpu  3288 0 1156 12061 230 0 11 517 0 0\n",
)


def test_stolen_time_is_read_as_the_kernel_writes_it(tmp_path: Path) -> None:
    """Nothing within one machine can steal from it, so lines written by hand stand for a hypervisor."""
    (tmp_path / "stat").write_text(STOLEN[0])
    before = HostSnapshot.now(str(tmp_path))
    (tmp_path / "stat").write_text(STOLEN[1])
    counters = HostSnapshot.now(str(tmp_path)).since(before)
    outcome = tcp_outcome(1, client_usage=usage(host=counters))
    assert "gave 6% of its processors' time to others" in rules(make_result(outcome))["cpu-steal"].evidence


def test_retransmits_count_for_tcp_alone() -> None:
    """What else runs in the namespace is none of UDP's."""
    lossy = host(tcp_segments=100, tcp_retransmits=50)
    assert isinstance(make_result(tcp_outcome(1)).spec.traffic, Tcp)
    assert "retransmits" not in rules(make_result(udp_outcome(client_usage=lossy)))


def test_the_verdict_is_in_the_json_and_is_computed_anew_when_it_is_read() -> None:
    """A file from which it was removed, or in which it was bettered, is judged all the same."""
    result = make_result(tcp_outcome(1, 1, lateness_ns=NS))
    data = result.to_dict()
    assert (data["verdict"]["verdict"], data["verdict"]["doubts"][0]["rule"]) == ("doubtful", "late-start")
    data["verdict"] = {"verdict": "trusted"}
    assert type(result).from_dict(data).verdict == result.verdict
