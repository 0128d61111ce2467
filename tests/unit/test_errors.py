"""The tree of errors, and their messages."""

from __future__ import annotations

import pickle

import pytest

from netbench import errors
from netbench.errors import (
    BackendError,
    DriverError,
    HostError,
    IncompleteResultError,
    InvalidArgumentError,
    MissingExtraError,
    MissingProgramError,
    NetbenchError,
    PlacementError,
    UsageError,
    innermost,
)

CLASSES = [getattr(errors, name) for name in errors.__all__ if name != "innermost"]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_a_netbench_error(kind: type[Exception]) -> None:
    """One except clause catches all."""
    assert issubclass(kind, NetbenchError)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_in_the_tree_of_the_modules_text(kind: type[Exception]) -> None:
    """The documentation forgets none."""
    assert f" {kind.__name__} " in f" {errors.__doc__} ".replace("\n", " ")


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        (InvalidArgumentError, UsageError),
        (InvalidArgumentError, ValueError),
        (MissingProgramError, HostError),
        (PlacementError, BackendError),
    ],
)
def test_the_tree_says_who_is_at_fault(kind: type[Exception], parent: type[Exception]) -> None:
    """A caller may catch the branch."""
    assert issubclass(kind, parent)


def test_a_wrong_argument_is_named_with_what_would_be_right() -> None:
    """And with what was given."""
    error = InvalidArgumentError("Tcp(streams=)", "x", "a whole number")
    assert str(error) == "Tcp(streams=) must be a whole number, not 'x'"


def test_a_wrong_arguments_parts_can_be_read() -> None:
    """Programs need not parse the message."""
    error = InvalidArgumentError("Tcp(streams=)", 0, "a whole number")
    assert (error.argument, error.value, error.expected) == ("Tcp(streams=)", 0, "a whole number")


def test_a_missing_program_is_named_with_its_package() -> None:
    """The message can be pasted into a shell."""
    assert str(MissingProgramError("iperf", "iperf2", "node-1")) == (
        "the program 'iperf' is not installed on node-1: install the package 'iperf2' "
        "(Debian, Ubuntu: apt-get install iperf2)"
    )


def test_a_program_is_missing_on_this_machine_unless_said_otherwise() -> None:
    """The usual case needs no words."""
    assert MissingProgramError("iperf3", "iperf3").where == "this machine"


def test_a_missing_extra_is_named_as_pip_takes_it() -> None:
    """The message can be pasted into a shell."""
    error = MissingExtraError("pandas", "frames")
    assert str(error) == "pandas is not installed: pip install 'netbench[frames]'"


@pytest.mark.parametrize(("node", "message"), [("node-1", "worker w on node-1: it died"), (None, "worker w: it died")])
def test_a_placement_names_worker_and_node(node: str | None, message: str) -> None:
    """The node only where it is known."""
    assert str(PlacementError("it died", worker="w", node=node)) == message


def test_a_driver_error_has_a_stable_reason() -> None:
    """Beside the message for people."""
    error = DriverError("port 5001 is taken", reason="port-taken")
    assert (str(error), error.reason) == ("port 5001 is taken", "port-taken")


def test_an_incomplete_result_lists_each_failure_on_a_line() -> None:
    """And says how many there are."""
    error = IncompleteResultError(object(), ["first", "second"])
    assert str(error) == "the result is incomplete, 2 pair(s) failed:\n  first\n  second"


def test_an_incomplete_result_is_carried() -> None:
    """What was measured is not lost."""
    result = object()
    assert IncompleteResultError(result, ["first"]).result is result


def test_innermost_unwraps_nested_groups() -> None:
    """The first error that is no group."""
    first = ValueError("first")
    assert innermost(ExceptionGroup("", [ExceptionGroup("", [first]), OSError()])) is first


def test_innermost_leaves_a_single_error_alone() -> None:
    """There is nothing to unwrap."""
    error = ValueError("only")
    assert innermost(error) is error


@pytest.mark.parametrize(
    "error",
    [
        InvalidArgumentError("Tcp(streams=)", 0, "at least 1"),
        PlacementError("not ready", worker="worker-0", node="node-1"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_can_cross_processes(error: NetbenchError) -> None:
    """Pickled and back, message and attributes are the same."""
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (str(again), vars(again)) == (str(error), vars(error))
