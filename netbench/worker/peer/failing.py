"""How an exception of one side becomes the named failure of a pair."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from netbench.errors import DriverError, NetbenchError, innermost
from netbench.messages import Failure

if TYPE_CHECKING:
    from netbench.messages import Phase

__all__ = ("SessionError", "failure_from")


class SessionError(NetbenchError):
    """A pair's session failed; carries the failure that its status will show."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def failure_from(error: BaseException, phase: Phase, worker: str) -> Failure:
    """Name what went wrong on this worker in this phase."""
    error = innermost(error)
    if isinstance(error, SessionError):
        return error.failure
    if isinstance(error, DriverError):
        return Failure(phase=phase, reason=error.reason, message=str(error), worker=worker)
    if isinstance(error, NetbenchError):
        return Failure(phase=phase, reason="protocol", message=str(error), worker=worker)
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" at {last[0].filename.rpartition('/')[2]}:{last[0].lineno}" if last else ""
    message = f"{type(error).__name__}: {error}{where}; this is a fault of netbench itself, please report it"
    return Failure(phase=phase, reason="internal", message=message, worker=worker)
