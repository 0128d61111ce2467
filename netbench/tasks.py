"""Tasks side by side, without the exception groups that structured concurrency wraps errors in."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio

from netbench.errors import innermost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable

    from anyio.abc import TaskGroup

__all__ = ("background_tasks", "together")


@asynccontextmanager
async def background_tasks() -> AsyncIterator[TaskGroup]:
    """Own tasks for as long as the block lasts, and cancel them at its end.

    An error of the block comes out as itself, so that whoever wrote ``async with`` can catch it by its name. The first
    error of a task ends the block and comes out as itself too, the group as its cause.
    """
    failure: Exception | None = None
    try:
        async with anyio.create_task_group() as group:
            try:
                yield group
            except Exception as error:  # noqa: BLE001 - raised again below, outside of the group
                failure = error
            group.cancel_scope.cancel()
    except ExceptionGroup as errors:
        raise innermost(errors) from errors
    if failure is not None:
        raise failure


async def together(calls: Iterable[Callable[[], Coroutine[Any, Any, object]]]) -> None:
    """Make all calls at once and wait for all. The first error ends the others and comes out as itself."""
    try:
        async with anyio.create_task_group() as group:
            for call in calls:
                group.start_soon(call)
    except ExceptionGroup as errors:
        raise innermost(errors) from errors
