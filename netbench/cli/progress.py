"""Progress of a run on standard error: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from netbench.events import PairDone, PairFailed, PairProgressed, RoundFired, RoundStarted, progress_line
from netbench.messages import Phase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rich.console import Console

    from netbench.events import RunEvent

__all__ = ("show_progress",)

_REFRESH_S = 0.1


async def show_progress(events: AsyncIterator[RunEvent], console: Console) -> None:
    """Follow a run's events until it ends."""
    if not console.is_terminal:
        await _print_lines(events, console)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        await _Live(progress).follow(events)


async def _print_lines(events: AsyncIterator[RunEvent], console: Console) -> None:
    async for event in events:
        line = progress_line(event)
        if line is not None:
            console.print(line, markup=False)


class _Live:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("starting", total=None)
        self._pairs = 0
        self._armed = 0
        self._ended = 0
        self._prefix = ""

    async def follow(self, events: AsyncIterator[RunEvent]) -> None:
        async with anyio.create_task_group() as group:
            async for event in events:
                self._take(event)
                if isinstance(event, RoundFired):
                    group.start_soon(self._advance, event.starts_in_s, event.lasts_s)
            group.cancel_scope.cancel()

    def _take(self, event: RunEvent) -> None:
        match event:
            case RoundStarted(round_index=index, rounds=rounds, pairs=pairs):
                self._pairs, self._armed, self._ended = len(pairs), 0, 0
                self._prefix = f"round {index + 1}/{rounds}: " if rounds > 1 else ""
                self._say(f"arming 0/{self._pairs}")
            case PairProgressed(phase=Phase.ARMED):
                self._armed += 1
                self._say(f"armed {self._armed}/{self._pairs}")
            case RoundFired(armed=armed):
                self._say(f"{armed} pair(s) sending")
            case PairProgressed(phase=Phase.GATHERING):
                self._say("gathering")
            case PairDone():
                self._ended += 1
                self._say(f"results {self._ended}/{self._pairs}")
            case PairFailed(failure=failure):
                self._ended += 1
                self._progress.console.print(f"failed: {failure}", markup=False)
            case _:
                pass

    def _say(self, text: str) -> None:
        self._progress.update(self._task, description=self._prefix + text)

    async def _advance(self, starts_in_s: float, lasts_s: float) -> None:
        """Move the bar with the time: workers report at the end, not each second."""
        await anyio.sleep(starts_in_s)
        begin = anyio.current_time()
        self._progress.update(self._task, total=lasts_s, completed=0)
        while (passed := anyio.current_time() - begin) < lasts_s:
            self._progress.update(self._task, completed=passed)
            await anyio.sleep(_REFRESH_S)
        self._progress.update(self._task, completed=lasts_s)
