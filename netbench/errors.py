"""Every error that netbench raises, in one tree that says who is at fault.

::

    NetbenchError
    ├── UsageError                 the caller asked for something that cannot be
    │   ├── InvalidArgumentError   one argument is wrong (also a ValueError)
    │   ├── PairingError           a strategy yields no pair from these workers
    │   ├── PlanError              files of a plan are wrong; carries every problem with its place
    │   ├── StateError             a thing was used before it was opened or after its end
    │   └── MissingValueError      a value was asked for that nobody measured
    ├── HostError                  this machine lacks something
    │   ├── MissingProgramError    a program is not installed
    │   ├── MissingPermissionError a right is not held
    │   ├── MissingFeatureError    the operating system cannot do it
    │   └── MissingExtraError      an optional Python package is not installed
    ├── BackendError               the place where the workers live failed
    │   ├── PlacementError         a worker could not be placed or did not become ready
    │   ├── ApiError               the Kubernetes API server refused a call
    │   │   └── AccessDeniedError  a right is missing there
    │   ├── ClusterUnreachableError the API server could not be reached, or had no time
    │   └── CleanupError           something could not be removed; names it and the command that removes it
    ├── ProtocolError              bytes arrived that netbench does not understand
    ├── DriverError                a traffic driver failed on a worker
    ├── IncompleteResultError      pairs failed or are missing; carries the result
    └── ResultFormatError          a stored result cannot be read
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netbench.problem import Problem

__all__ = (
    "AccessDeniedError",
    "ApiError",
    "BackendError",
    "CleanupError",
    "ClusterUnreachableError",
    "DriverError",
    "HostError",
    "IncompleteResultError",
    "InvalidArgumentError",
    "MissingExtraError",
    "MissingFeatureError",
    "MissingPermissionError",
    "MissingProgramError",
    "MissingValueError",
    "NetbenchError",
    "PairingError",
    "PlacementError",
    "PlanError",
    "ProtocolError",
    "ResultFormatError",
    "StateError",
    "UsageError",
    "innermost",
)


class NetbenchError(Exception):
    """Base of all errors that netbench raises on purpose. They can be copied and pickled, to cross processes."""

    def __reduce__(self) -> tuple[object, ...]:
        """Give what makes it again, without calling the constructor of its class, whose arguments are not kept."""
        return _again, (type(self), self.args, dict(self.__dict__))


class UsageError(NetbenchError):
    """The caller asked for something that cannot be; the message says what to write instead."""


class InvalidArgumentError(UsageError, ValueError):
    """One argument is wrong.

    Attributes:
        argument: Where the value was given, as a caller would write it: ``Tcp(streams=)``.
        value: What was given.
        expected: What would have been right, as the end of the sentence "must be ...".
    """

    def __init__(self, argument: str, value: object, expected: str) -> None:
        super().__init__(f"{argument} must be {expected}, not {value!r}")
        self.argument = argument
        self.value = value
        self.expected = expected


class PairingError(UsageError):
    """A strategy yields no pair from these workers."""


class PlanError(UsageError):
    """Files of a plan are wrong; nothing was started.

    Attributes:
        problems: All that was found, in the order of the files.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"the plan has {len(problems)} problem(s), and nothing was started:{lines}")
        self.problems = tuple(problems)


class StateError(UsageError):
    """A thing was used before it was opened, twice, or after its end."""


class MissingValueError(UsageError):
    """A value was asked for that nobody measured. netbench never answers 0 in its place."""


class HostError(NetbenchError):
    """This machine lacks something that the caller asked for."""


class MissingProgramError(HostError):
    """A program is not installed.

    Attributes:
        program: The command that was looked for.
        package: The package that holds it, by Debian's name.
        where: The machine, worker or node that lacks it.
    """

    def __init__(self, program: str, package: str, where: str = "this machine") -> None:
        super().__init__(
            f"the program {program!r} is not installed on {where}: install the package {package!r} "
            f"(Debian, Ubuntu: apt-get install {package})"
        )
        self.program = program
        self.package = package
        self.where = where


class MissingPermissionError(HostError):
    """A right is not held; the message names it and what does without."""


class MissingFeatureError(HostError):
    """The operating system of this machine cannot do what was asked."""


class MissingExtraError(HostError):
    """An optional Python package is not installed.

    Attributes:
        package: The package that could not be imported.
        extra: The extra of netbench that brings it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed: pip install 'netbench[{extra}]'")
        self.package = package
        self.extra = extra


class BackendError(NetbenchError):
    """The place where the workers live failed."""


class PlacementError(BackendError):
    """A worker could not be placed or did not become ready.

    Attributes:
        worker: The worker's name.
        node: The node it was meant for, None where the backend chooses later.
    """

    def __init__(self, message: str, *, worker: str, node: str | None = None) -> None:
        place = f" on {node}" if node else ""
        super().__init__(f"worker {worker}{place}: {message}")
        self.worker = worker
        self.node = node


class ApiError(BackendError):
    """The Kubernetes API server refused a call.

    Attributes:
        status: HTTP's status code.
        reason: Kubernetes' word for it, such as ``NotFound``.
        verb: HTTP's verb.
        path: What was called.
    """

    def __init__(self, message: str, *, status: int, reason: str, verb: str, path: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.verb = verb
        self.path = path


class AccessDeniedError(ApiError):
    """A right is missing on the Kubernetes cluster; the message names it and shows what would grant it."""


class ClusterUnreachableError(BackendError):
    """The Kubernetes API server could not be reached, or had no time, for as long as was waited."""


class CleanupError(BackendError):
    """Something could not be removed; the message names it and the command that removes it."""


class ProtocolError(NetbenchError):
    """Bytes arrived that netbench does not understand: another version, or not netbench at all."""


class DriverError(NetbenchError):
    """A traffic driver failed on a worker; becomes a named failure of its pair.

    Attributes:
        reason: A short, stable word for the kind of failure, such as ``port-taken``.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class IncompleteResultError(NetbenchError):
    """Pairs failed or are missing.

    Attributes:
        result: The :class:`netbench.Result` with the pairs that did succeed.
        failures: One line for each pair that failed.
    """

    def __init__(self, result: object, failures: Sequence[str]) -> None:
        lines = "".join(f"\n  {line}" for line in failures)
        super().__init__(f"the result is incomplete, {len(failures)} pair(s) failed:{lines}")
        self.result = result
        self.failures = tuple(failures)


class ResultFormatError(NetbenchError):
    """A stored result cannot be read: not netbench's, of an unknown version, or damaged."""


def _again(kind: type[NetbenchError], args: tuple[object, ...], state: dict[str, object]) -> NetbenchError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


def innermost(error: BaseException) -> BaseException:
    """Unwrap the groups that task groups wrap errors in: the first error that is no group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
