"""What a run tells, in lines; and which workers share a clock."""

from __future__ import annotations

import pytest

from netbench.events import PairFailed, PairProgressed, RoundFired, RoundStarted, RunEnded, RunEvent, progress_line
from netbench.messages import Phase
from netbench.worker.timing import WorkerClock
from tests.unit.result.builders import make_failure, make_pair, make_result, tcp_outcome

PAIR = make_pair(tcp_outcome(1)).pair


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (RoundStarted(round_index=0, rounds=3, pairs=(PAIR,)), "round 1 of 3: arming 1 pair(s)"),
        (RoundFired(round_index=0, armed=2, starts_in_s=0.5, lasts_s=10.0), "2 pair(s) armed, sending for 10 s"),
        (PairFailed(failure=make_failure()), f"failed: {make_failure()}"),
        (PairProgressed(round_index=0, pair=PAIR, phase=Phase.ARMED), None),
        (
            RunEnded(result=make_result(tcp_outcome(1), stopped_early=True)),
            f"ended; the result is {make_result(tcp_outcome(1), stopped_early=True).verdict}",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_event_is_a_line_or_says_nothing(event: RunEvent, line: str | None) -> None:
    """The last one has the verdict."""
    assert progress_line(event) == line


def test_two_clocks_of_one_kernel_have_one_name() -> None:
    """And a shifted one another."""
    assert WorkerClock().identity == WorkerClock().identity != WorkerClock(5).identity
