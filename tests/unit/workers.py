"""Workers that stand on nodes and in zones, for tests that need no processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.topology import Worker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ("make_worker", "make_workers")


def make_worker(index: int, node: int = 1, zone: str | None = None) -> Worker:
    """Give ``worker-<index>`` on ``node-<node>``."""
    return Worker(name=f"worker-{index}", node=f"node-{node}", address=f"198.18.0.{index}", zone=zone)


def make_workers(nodes: Sequence[int], zones: Mapping[int, str] | None = None) -> tuple[Worker, ...]:
    """Give one worker for each entry: the number of its node. ``zones`` says in which zone a node is."""
    return tuple(make_worker(index, node, (zones or {}).get(node)) for index, node in enumerate(nodes))
