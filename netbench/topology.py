"""Nodes, the workers on them, and the pairs they form."""

from __future__ import annotations

import attrs

__all__ = ("LeftOver", "Node", "Pair", "Worker")


@attrs.frozen(kw_only=True)
class Node:
    """A machine, or what stands for one.

    Attributes:
        name: Its name.
        zone: Its failure zone, None where it has none.
    """

    name: str
    zone: str | None = None


@attrs.frozen(kw_only=True)
class Worker:
    """A pod or process that can be client, server or both.

    Attributes:
        name: Unique within the fleet.
        node: Name of the node it runs on.
        address: Where other workers reach it.
        zone: That node's zone.
        pid: Its process id on this machine, None where it runs elsewhere.
    """

    name: str
    node: str
    address: str
    zone: str | None = None
    pid: int | None = None


@attrs.frozen
class Pair:
    """One client and one server.

    Attributes:
        client: The worker that starts the session; it sends, unless the traffic's direction says otherwise.
        server: The worker that waits for it.
    """

    client: Worker
    server: Worker

    def __str__(self) -> str:
        """Name both workers."""
        return f"{self.client.name} -> {self.server.name}"


@attrs.frozen(kw_only=True)
class LeftOver:
    """A worker that a strategy gave nothing to do.

    Attributes:
        worker: The worker.
        reason: Why, in words.
    """

    worker: Worker
    reason: str
