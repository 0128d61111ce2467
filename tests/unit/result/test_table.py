"""A result on a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from netbench.topology import LeftOver
from tests.unit.result.builders import (
    NS,
    http_outcome,
    make_failure,
    make_outcome,
    make_pair,
    make_result,
    tcp_outcome,
    udp_outcome,
)
from tests.unit.workers import make_worker

if TYPE_CHECKING:
    from netbench.messages import PairOutcome
    from netbench.result import Result

OUTCOMES = [tcp_outcome(125_000_000), udp_outcome(), http_outcome(errors={"timeout": 2})]


def text_of(result: Result) -> str:
    """Give the text with all white space as single blanks."""
    return re.sub(r"\s+", " ", str(result))


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_no_line_is_longer_than_100_columns(outcome: PairOutcome) -> None:
    """For terminals of usual width."""
    assert max(map(len, str(make_result(outcome, outcome)).splitlines())) <= 100


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_plain_text_has_no_control_signs(outcome: PairOutcome) -> None:
    """It may go into a file."""
    assert "\x1b" not in str(make_result(outcome))


def test_the_title_says_what_was_measured() -> None:
    """Traffic, duration, tool, pairs."""
    title = text_of(make_result(tcp_outcome(1)))
    assert re.match(r"Tcp\(streams=1, .*\) for 2 s with native: 1 pair, complete ", title)


def test_the_title_counts_failed_pairs_and_says_incomplete() -> None:
    """Nobody overlooks it."""
    assert ": 2 pairs, INCOMPLETE" in text_of(make_result(tcp_outcome(1), failures=(make_failure(1),)))


def test_throughput_is_in_a_unit_for_people() -> None:
    """125 MB a second are a gigabit."""
    assert "Total: 1.000 Gbit/s payload, 1 pair" in text_of(make_result(tcp_outcome(125_000_000)))


def test_a_total_says_how_many_pairs_it_is_of() -> None:
    """All together."""
    result = make_result(tcp_outcome(125_000), tcp_outcome(125_000))
    assert "Total: 2.000 Mbit/s payload, 2 pairs together" in text_of(result)


def test_a_total_over_rounds_says_that_it_is_a_mean() -> None:
    """And of how many."""
    pairs = (make_pair(tcp_outcome(125_000)), make_pair(tcp_outcome(375_000), 1, round_index=1))
    assert "Total: 2.000 Mbit/s payload, 2 pairs together, mean of 2 rounds" in text_of(
        make_result(pairs=pairs, rounds=2)
    )


def test_a_total_that_is_not_known_is_said_so() -> None:
    """Not left out."""
    result = make_result(tcp_outcome(1, window_ns=(0, NS)), tcp_outcome(1, window_ns=(NS, 2 * NS)))
    assert "Total: not known, since there was no time at which all pairs" in text_of(result)


def test_every_pair_is_named_with_its_nodes() -> None:
    """Client and server."""
    shown = str(make_result(tcp_outcome(1)))
    assert all(name in shown for name in ("worker-0", "worker-1", "node-1", "node-2"))


def test_a_failed_pair_is_shown_with_its_reason() -> None:
    """In a line of its own."""
    shown = text_of(make_result(failures=(make_failure(),)))
    assert "Failed: worker-0 on node-1 -> worker-1 on node-2: worker-lost in phase Running" in shown


def test_a_left_over_worker_is_shown_with_its_reason() -> None:
    """In a line of its own."""
    left = LeftOver(worker=make_worker(9), reason="the number of workers, 3, is odd")
    shown = text_of(make_result(tcp_outcome(1), left_over=(left,)))
    assert "Left over: worker-9 on node-1: the number of workers, 3, is odd" in shown


def test_markup_in_a_message_is_shown_as_it_is() -> None:
    """Square brackets are no style."""
    assert "[bold]oops[/bold]" in text_of(make_result(failures=(make_failure(message="[bold]oops[/bold]"),)))


def test_the_verdict_is_a_line_with_a_line_for_each_reason() -> None:
    """Before anybody trusts the numbers."""
    shown = text_of(make_result(tcp_outcome(1), stopped_early=True))
    assert "Verdict: doubtful (stopped)" in shown
    assert "Doubt: stopped: the run was stopped before its time. Let it run to its end" in shown


def test_a_result_without_pairs_can_be_shown() -> None:
    """It is incomplete, and says so."""
    assert ": 0 pairs, INCOMPLETE" in text_of(make_result())


def test_a_pair_that_measured_nothing_can_be_shown() -> None:
    """With dashes in place of numbers."""
    assert re.search(r"worker-0 .* - ", text_of(make_result(make_outcome([], []))))


def test_of_many_pairs_the_slowest_are_shown() -> None:
    """And it is said how many are not."""
    shown = str(make_result(*(tcp_outcome(1000 * (place + 1)) for place in range(60))))
    assert ("10 faster pairs are not shown" in shown, "worker-98 " in shown, "worker-118 " in shown) == (
        True,
        True,
        False,
    )


def test_rich_prints_the_table() -> None:
    """In the console's own width."""
    console = Console(width=200, record=True, quiet=False, file=None, force_terminal=False)
    with console.capture() as captured:
        console.print(make_result(tcp_outcome(125_000_000)))
    assert "Total: 1.000 Gbit/s payload" in captured.get()
