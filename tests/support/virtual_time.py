"""An event loop in which waiting takes no time: when nothing is ready, the clock jumps to the next deadline."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

__all__ = ("VirtualTimeLoop",)


class _JumpingSelector:
    """Asks the real selector without waiting, and lets the time that would have been waited pass at once."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = self._real.select(0)
        if not ready and timeout is not None and timeout > 0:
            self.now += timeout
        if not ready and timeout is None:
            # Nothing will ever happen by itself; only a signal or another thread can wake this loop.
            return self._real.select(5)
        return ready

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the real one has
        return getattr(self._real, name)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """For tests without threads and sockets: deadlines of hours pass at once, in their order."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)  # type: ignore[arg-type] # it has all that the loop calls

    def time(self) -> float:
        """Give the virtual time in seconds."""
        return self._jumping.now
