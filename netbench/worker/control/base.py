"""The worker's side of control: where requests come from and where statuses go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from netbench.clock import ClockComparison
    from netbench.framing import FrameStream
    from netbench.messages import ControlRecord, PairRequest, PairStatus, WorkerHello

__all__ = ("WorkerControl",)


class WorkerControl(Protocol):
    """A worker's connection to whoever controls it. It ends when the controller is gone."""

    @property
    def key(self) -> bytes:
        """The fleet's key, with which its workers prove themselves to each other."""
        ...

    async def announce(self, hello: WorkerHello) -> None:
        """Say who is here and ready."""
        ...

    def requests(self) -> AsyncIterator[PairRequest]:
        """Stream the requests for this worker; ends when the controller lets the worker go or is gone."""
        ...

    def records(self, run_id: str) -> AbstractAsyncContextManager[AsyncIterator[ControlRecord]]:
        """Stream a run's control records, the newest first one included if it came before."""
        ...

    async def report(self, status: PairStatus) -> None:
        """Write down how far a pair is."""
        ...

    def note_armed(self, run_id: str, round_index: int, number: int) -> None:
        """Take another worker's word that its pair is armed; only a worker that is the time base is told so.

        Args:
            run_id: The run.
            round_index: Its round.
            number: The pair's number in the round.
        """
        ...

    async def relay(self, frames: FrameStream, worker: str) -> None:
        """Serve another worker that reaches the controller through this one, until it is gone.

        Args:
            frames: The connection to it.
            worker: Its name.
        """
        ...

    async def compare_clock(self, timeout_s: float) -> ClockComparison | None:
        """Compare the worker's clock with the time base; None where there is no way to.

        Args:
            timeout_s: How long a time base that is busy may be asked again.

        Raises:
            DriverError: The time base cannot be reached.
        """
        ...
