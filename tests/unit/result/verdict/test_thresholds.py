"""Where each rule begins: what is just within its limit is no doubt, what is just beyond it is one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from netbench.metrics import HostCounters, Usage
from netbench.topology import Pair
from tests.unit.result.builders import NS, http_outcome, make_pair, make_result, tcp_outcome, udp_outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from netbench.messages import PairOutcome


def with_usage(**changes: Any) -> PairOutcome:  # noqa: ANN401 - whatever Usage takes
    """Give a TCP outcome of two seconds whose receiver used this, and its sender next to nothing."""
    quiet: dict[str, Any] = {
        "cpu_user_s": 0.1,
        "cpu_system_s": 0.1,
        "wall_s": 2.0,
        "busiest_thread_s": 0.1,
        "run_queue_s": 0.01,
    }
    idle = Usage(**quiet)
    return tcp_outcome(1, 1, client_usage=idle, server_usage=Usage(**{**quiet, **changes}))


def with_host(**counters: Any) -> PairOutcome:  # noqa: ANN401 - whatever HostCounters takes
    """Give a TCP outcome of two seconds whose sender's host counted this."""
    host = HostCounters(**{"idle_share": 0.9, **counters})
    return tcp_outcome(1, 1, client_usage=Usage(cpu_user_s=0.1, cpu_system_s=0.1, wall_s=2.0, host=host))


def sent_drops(count: int) -> PairOutcome:
    """Give an outcome of 2,000 datagrams, 500 of them lost, so many in the sender's queue."""
    host = HostCounters(udp_send_buffer_errors=count)
    usage = Usage(cpu_user_s=0.1, cpu_system_s=0.1, wall_s=2.0, host=host)
    return udp_outcome(sent=2000, received=1500, client_usage=usage)


@pytest.mark.parametrize(
    ("rule", "within", "beyond"),
    [
        ("late-start", tcp_outcome(1, 1, lateness_ns=19_000_000), tcp_outcome(1, 1, lateness_ns=21_000_000)),
        ("clock-bound", udp_outcome(bound_ns=24_000), udp_outcome(bound_ns=26_000)),
        # 1,000 each second were asked for, and one is forgiven.
        ("rate-not-kept", udp_outcome(sent=1979), udp_outcome(sent=1978)),
        ("receive-buffer", udp_outcome(sent=20_000, socket_drops=1), udp_outcome(sent=20_000, socket_drops=2)),
        ("send-drops", sent_drops(1), sent_drops(2)),
        ("cpu-throttled", with_usage(throttled_share=0.019), with_usage(throttled_share=0.021)),
        ("cpu-bound", with_usage(busiest_thread_s=1.79), with_usage(busiest_thread_s=1.81)),
        ("gil-bound", with_usage(cpu_user_s=1.79), with_usage(cpu_user_s=1.81)),
        ("run-queue", with_usage(run_queue_s=0.19), with_usage(run_queue_s=0.21)),
        ("cpu-steal", with_host(steal_share=0.049), with_host(steal_share=0.051)),
        ("host-busy", with_host(idle_share=0.031), with_host(idle_share=0.029)),
        ("host-drops", with_host(softnet_dropped=1), with_host(softnet_dropped=2)),
        ("interface-drops", with_host(interface_dropped=1), with_host(interface_dropped=2)),
        ("softirq", with_host(softnet_squeezed=39), with_host(softnet_squeezed=40)),
        (
            "retransmits",
            with_host(tcp_segments=1000, tcp_retransmits=9),
            with_host(tcp_segments=1000, tcp_retransmits=10),
        ),
        # 50 each second were asked for over two seconds, and one is forgiven.
        ("rate-not-kept", http_outcome(98), http_outcome(97)),
    ],
)
def test_a_rule_begins_at_its_limit(rule: str, within: PairOutcome, beyond: PairOutcome) -> None:
    """And not at ten times of it, or a tenth."""
    found = [{doubt.rule for doubt in make_result(outcome).verdict.doubts} for outcome in (within, beyond)]
    assert [rule in rules for rules in found] == [False, True]


@pytest.mark.parametrize(("apart_ns", "is_doubted"), [(NS // 25, False), (NS // 15, True)])
def test_windows_may_be_a_little_apart(apart_ns: int, *, is_doubted: bool) -> None:
    """A twentieth of the longest one, here of a second."""
    shifted = tcp_outcome(1, window_ns=(apart_ns, NS + apart_ns))
    result = make_result(tcp_outcome(1), shifted)
    assert ("overlap" in {doubt.rule for doubt in result.verdict.doubts}) is is_doubted


@pytest.mark.parametrize(("busy_s", "is_doubted"), [(1.79, False), (1.81, True)])
@pytest.mark.parametrize("made", [udp_outcome, partial(http_outcome, 100)], ids=["udp", "http"])
def test_who_takes_what_comes_may_not_be_busy_all_the_time(
    made: Callable[..., PairOutcome], busy_s: float, *, is_doubted: bool
) -> None:
    """At a rate that is kept too: what it says of delays is its own queue's."""
    busy = Usage(cpu_user_s=0.1, cpu_system_s=1.7, wall_s=2.0, busiest_thread_s=busy_s)
    doubts = [doubt for doubt in make_result(made(server_usage=busy)).verdict.doubts if doubt.rule == "cpu-bound"]
    assert ["Delays are its own" in doubt.advice for doubt in doubts] == [True] * is_doubted


def test_a_worker_that_takes_and_sends_at_a_rate_may_spin() -> None:
    """Its use is one figure for both."""
    spinning = Usage(cpu_user_s=1.9, cpu_system_s=0.1, wall_s=2.0, busiest_thread_s=1.99)
    there = make_pair(udp_outcome(client_usage=spinning, server_usage=spinning))
    back = attrs.evolve(there, pair=Pair(there.pair.server, there.pair.client))
    result = attrs.evolve(make_result(there.outcome), pairs=(there, back))
    assert "cpu-bound" not in {doubt.rule for doubt in result.verdict.doubts}


def test_a_programs_receiver_may_use_a_processor_in_all() -> None:
    """It may be several processes, of several pairs."""
    busy = Usage(cpu_user_s=0.1, cpu_system_s=1.9, wall_s=2.0)
    result = make_result(udp_outcome(server_usage=busy, tool="iperf3"))
    assert "cpu-bound" not in {doubt.rule for doubt in result.verdict.doubts}
