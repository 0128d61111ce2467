"""Which sockets are ready: epoll by itself where there is one, the standard library's selectors elsewhere.

A selector makes an object of every event and looks its socket up for it, which takes as long as reading an answer does.
The loops here know their sockets by descriptor, so that epoll's own pairs are enough.
"""

from __future__ import annotations

import os
import select
import selectors
import socket
import struct
import sys
from typing import Protocol

__all__ = ("READ", "WRITE", "Events", "SelectorEvents", "make_events", "make_lone_events")

#: Ready to be read, and to be written; epoll's own numbers. What else a mask may hold is an error, which reading and
#: writing both find out: ``mask & ~READ`` asks whether to write, ``mask & ~WRITE`` whether to read.
READ, WRITE = 1, 4

#: Events taken at once; the others come with the next wait.
_AT_ONCE_MAX = 256


class Events(Protocol):
    """Watches descriptors until they are ready, again and again as long as they are."""

    def watch(self, descriptor: int, mask: int, /) -> None:
        """Watch a descriptor that is not watched yet."""

    def change(self, descriptor: int, mask: int, /) -> None:
        """Watch it for something else."""

    def forget(self, descriptor: int, /) -> None:
        """Watch it no longer; to be called before it is closed."""

    def wait(self, timeout_s: float) -> list[tuple[int, int]]:
        """Block until something is ready or the time is over; give descriptors with their masks."""
        ...

    def close(self) -> None:
        """Watch nothing any more."""


def make_events() -> Events:
    """Give the fastest that this system has."""
    return _EpollEvents() if sys.platform == "linux" else SelectorEvents()


def make_lone_events(patience_s: float) -> Events:
    """Give the fastest that this system has for one socket from which an answer is waited for most of the time.

    Args:
        patience_s: How long a socket that is said to be ready may take to be read.
    """
    return _LoneEvents(patience_s) if sys.platform == "linux" else SelectorEvents()


class SelectorEvents:
    """Implements :class:`Events` everywhere."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, descriptor: int, mask: int) -> None:
        """Watch."""
        self._selector.register(descriptor, _to_selector(mask))

    def change(self, descriptor: int, mask: int) -> None:
        """Watch for something else."""
        self._selector.modify(descriptor, _to_selector(mask))

    def forget(self, descriptor: int) -> None:
        """Watch no longer."""
        self._selector.unregister(descriptor)

    def wait(self, timeout_s: float) -> list[tuple[int, int]]:
        """Block."""
        return [(key.fd, _from_selector(events)) for key, events in self._selector.select(timeout_s)]

    def close(self) -> None:
        """Watch nothing any more."""
        self._selector.close()


if sys.platform == "linux":

    class _EpollEvents:
        """Implements :class:`Events` on Linux. Its numbers are those of :data:`READ` and :data:`WRITE`."""

        def __init__(self) -> None:
            self._epoll = select.epoll()
            self.watch = self._epoll.register
            self.change = self._epoll.modify
            self.forget = self._epoll.unregister
            self.close = self._epoll.close

        def wait(self, timeout_s: float) -> list[tuple[int, int]]:
            """Block."""
            return self._epoll.poll(timeout_s, _AT_ONCE_MAX)

    class _LoneEvents:
        """Implements :class:`Events` for one socket on Linux: to read it blocks, so that nobody need ask before.

        Two system calls in three are left of a request.
        """

        def __init__(self, patience_s: float) -> None:
            self._epoll = select.epoll()
            self._patience = struct.pack("@ll", *divmod(round(patience_s * 1e6), 1_000_000))
            self._blocking: list[tuple[int, int]] = []
            self.close = self._epoll.close

        def watch(self, descriptor: int, mask: int) -> None:
            """Watch."""
            self._epoll.register(descriptor, mask)
            self._set(descriptor, mask)

        def change(self, descriptor: int, mask: int) -> None:
            """Watch for something else."""
            self._epoll.modify(descriptor, mask)
            self._set(descriptor, mask)

        def forget(self, descriptor: int) -> None:
            """Watch no longer."""
            self._epoll.unregister(descriptor)
            self._blocking = []

        def wait(self, timeout_s: float) -> list[tuple[int, int]]:
            """Let the reading block, unless there is only a look to be had."""
            if self._blocking and timeout_s:
                return self._blocking
            return self._epoll.poll(timeout_s, _AT_ONCE_MAX)

        def _set(self, descriptor: int, mask: int) -> None:
            self._blocking = [(descriptor, READ)] if mask == READ else []
            os.set_blocking(descriptor, bool(self._blocking))
            if self._blocking:
                link = socket.socket(fileno=descriptor)
                for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                    link.setsockopt(socket.SOL_SOCKET, option, self._patience)
                link.detach()


def _to_selector(mask: int) -> int:
    return (selectors.EVENT_READ if mask & READ else 0) | (selectors.EVENT_WRITE if mask & WRITE else 0)


def _from_selector(events: int) -> int:
    return (READ if events & selectors.EVENT_READ else 0) | (WRITE if events & selectors.EVENT_WRITE else 0)
