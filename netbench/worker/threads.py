"""Threads for blocking work, which end when their owner is closed, however it came to that."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from netbench.tasks import together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ("WorkThreads",)

_JOIN_TIMEOUT_S = 5.0


class WorkThreads:
    """Runs functions side by side, each in a thread; all of them look at :attr:`stop` at least every 100 ms."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._ended: list[threading.Event] = []

    async def run(self, functions: Sequence[Callable[[], None]]) -> None:
        """Run all to their ends. When one fails, or this call is cancelled, the others are told to stop."""
        limiter = anyio.CapacityLimiter(max(1, len(functions)))
        calls = []
        for function in functions:
            ended = threading.Event()
            self._ended.append(ended)
            work = partial(_call, function, ended)
            calls.append(partial(anyio.to_thread.run_sync, work, abandon_on_cancel=True, limiter=limiter))
        try:
            await together(calls)
        except BaseException:
            self.stop.set()
            raise

    async def aclose(self) -> None:
        """Tell every thread to stop and wait until it has."""
        self.stop.set()
        ended, self._ended = self._ended, []
        await anyio.to_thread.run_sync(_join, ended)


def _call(function: Callable[[], None], ended: threading.Event) -> None:
    try:
        function()
    finally:
        ended.set()


def _join(ended: Sequence[threading.Event]) -> None:
    for each in ended:
        each.wait(_JOIN_TIMEOUT_S)
