"""Ctrl-C and SIGTERM: once to stop, twice to leave."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.abc import TaskStatus
    from rich.console import Console

    from netbench.cluster import Cluster

__all__ = ("Interrupts",)


class Interrupts:
    """The first Ctrl-C (or SIGTERM) stops a run and keeps what was measured; the second one leaves at once.

    Where there is nothing to stop, the first one ends the work and waits until everything is removed.

    Attributes:
        count: How often there was one.
        scope: The work.
        stop: Stops a run so that its result is kept; None where there is none.
        cluster: What is to be left behind by whoever asks twice.
    """

    def __init__(self, console: Console) -> None:
        self.count = 0
        self.scope = anyio.CancelScope()
        self.stop: Callable[[], Awaitable[None]] | None = None
        self.cluster: Cluster | None = None
        self._console = console

    async def watch(self, *, task_status: TaskStatus[None]) -> None:
        """Wait for signals until cancelled."""
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for _ in signals:
                self.count += 1
                if self.stop is None or self.count > 1:
                    self.scope.cancel()
                    self._leave()
                else:
                    self._console.print("stopping; once more to leave without a result")
                    await self.stop()

    def _leave(self) -> None:
        """Whoever asks twice does not want to wait for what is removed; what remains is said."""
        if self.count > 1 and self.cluster is not None and self.cluster.is_open:
            self.cluster.backend.abandon()
        else:
            self._console.print("leaving; once more not to wait until everything is removed")
