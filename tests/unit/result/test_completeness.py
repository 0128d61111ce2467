"""Whether a result is complete, and what it says if not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from netbench.errors import IncompleteResultError, InvalidArgumentError, MissingValueError
from tests.unit.result.builders import make_failure, make_pair, make_result, tcp_outcome

if TYPE_CHECKING:
    from netbench.result import Result

WHOLE = make_result(tcp_outcome(100))
#: What makes a result incomplete, and the line that says so.
INCOMPLETE = [
    (
        make_result(tcp_outcome(100), failures=(make_failure(1),)),
        "worker-2 on node-1 -> worker-3 on node-2: worker-lost",
    ),
    (make_result(tcp_outcome(100), stopped_early=True), "the run was stopped before its time"),
    (make_result(), "no pair has a result"),
]


def test_a_result_with_all_its_pairs_is_complete() -> None:
    """Nothing failed and nobody stopped it."""
    assert WHOLE.complete


def test_a_complete_result_does_not_raise() -> None:
    """The check passes in silence."""
    WHOLE.raise_if_incomplete()


@pytest.mark.parametrize(("result", "line"), INCOMPLETE)
def test_a_result_that_lacks_something_is_incomplete(result: Result, line: str) -> None:
    """It says so, whatever it lacks."""
    assert (result.complete, bool(line)) == (False, True)


@pytest.mark.parametrize(("result", "line"), INCOMPLETE)
def test_an_incomplete_result_raises_and_says_what_is_missing(result: Result, line: str) -> None:
    """One line for each thing."""
    with pytest.raises(IncompleteResultError) as caught:
        result.raise_if_incomplete()
    assert any(each.startswith(line) for each in caught.value.failures)


def test_the_error_of_an_incomplete_result_carries_it() -> None:
    """What was measured is not lost."""
    result = make_result(stopped_early=True)
    with pytest.raises(IncompleteResultError) as caught:
        result.raise_if_incomplete()
    assert caught.value.result is result


def test_a_failed_pair_names_nodes_phase_and_reason() -> None:
    """In one line."""
    assert str(make_failure()) == (
        "worker-0 on node-1 -> worker-1 on node-2: worker-lost in phase Running: worker-1 was killed by SIGKILL"
    )


@pytest.mark.parametrize(
    "changes", [{"pairs": (make_pair(tcp_outcome(1), round_index=1),)}, {"failures": (make_failure(round_index=1),)}]
)
def test_a_pair_of_a_round_beyond_the_last_is_refused(changes: dict[str, Any]) -> None:
    """The rounds hold all pairs, failed ones too."""
    with pytest.raises(InvalidArgumentError, match=r"^Result\(rounds=\) must be at least 2, since there are pairs of"):
        make_result(**changes)


@pytest.mark.parametrize("figure", ["bandwidth", "latency"])
def test_a_result_without_pairs_has_no_histogram(figure: str) -> None:
    """It raises and says why."""
    with pytest.raises(MissingValueError, match=f"^the result has no {figure}: no pair has a result$"):
        getattr(make_result(), figure)


@pytest.mark.parametrize(
    "figure",
    [
        "total_throughput_bps",
        "total_pps",
        "total_requests_per_s",
        "window_overlap",
        "rtt",
        "sent_bytes",
        "lost",
        "loss_ratio",
        "errors",
        "status_codes",
        "requests",
    ],
)
def test_a_result_without_pairs_has_no_totals(figure: str) -> None:
    """None, not 0."""
    assert getattr(make_result(), figure) is None
