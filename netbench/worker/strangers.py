"""Counting the connections that did not prove to be of this fleet."""

from __future__ import annotations

__all__ = ("Strangers",)


class Strangers:
    """One count per worker; each of its sockets adds to it when it closes a connection that is none of its fleet's."""

    def __init__(self) -> None:
        self.count = 0

    def add(self) -> None:
        """Count one more."""
        self.count += 1
