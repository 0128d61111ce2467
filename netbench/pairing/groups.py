"""Pairs across or within the groups that nodes and zones form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from netbench.errors import PairingError
from netbench.pairing.base import Pairing, grouped, left_over, number_of, require_two
from netbench.topology import LeftOver, Pair

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netbench.topology import Worker

__all__ = ("CrossNode", "CrossZone", "SameNode")


@attrs.frozen
class CrossNode:
    """Pair workers on different nodes, as many as can be, each worker in one pair.

    Of N workers, M of them on the fullest node, min(N // 2, N - M) pairs are made, which is the most there can be: 100
    workers placed 60 and 40 give 40 pairs. The client is the worker that comes first in the fleet.
    """

    def pair(self, workers: Sequence[Worker]) -> Pairing:
        """Pair the workers, all in one round.

        Raises:
            PairingError: There are fewer than two workers, or all are on one node.
        """
        require_two(workers, "CrossNode()")
        pairs = _across(workers, _node)
        if not pairs:
            msg = (
                f"all {len(workers)} workers are on {workers[0].node} and CrossNode() needs workers on two nodes: "
                "give the cluster more nodes, spread the workers, or use SameNode()"
            )
            raise PairingError(msg)
        return Pairing(rounds=(pairs,), left_over=_crowded_out(workers, pairs, _node))


@attrs.frozen
class CrossZone:
    """Pair workers in different zones, as many as can be, each worker in one pair.

    Like :class:`CrossNode`, with zones for nodes. Workers without a zone are left over.
    """

    def pair(self, workers: Sequence[Worker]) -> Pairing:
        """Pair the workers, all in one round.

        Raises:
            PairingError: There are fewer than two workers, or not two zones.
        """
        require_two(workers, "CrossZone()")
        zoned = [worker for worker in workers if worker.zone is not None]
        pairs = _across(zoned, _zone)
        if not pairs:
            zones = sorted({_zone(worker) for worker in zoned})
            have = f"the only zone is {zones[0]}" if zones else f"none of the {len(workers)} workers has a zone"
            msg = (
                f"{have} and CrossZone() needs workers in two zones: give the cluster zones, such as "
                "Cluster.local(nodes=2, zones=['a', 'b']), or use CrossNode()"
            )
            raise PairingError(msg)
        crowded_out = {left.worker.name: left for left in _crowded_out(zoned, pairs, _zone)}
        left = (
            LeftOver(worker=worker, reason=f"its node {worker.node} has no zone")
            if worker.zone is None
            else crowded_out.get(worker.name)
            for worker in workers
        )
        return Pairing(rounds=(pairs,), left_over=[each for each in left if each is not None])


@attrs.frozen
class SameNode:
    """Pair workers on the same node, each worker in one pair: what the host itself can do, without the network between.

    The client is the worker that comes first in the fleet.
    """

    def pair(self, workers: Sequence[Worker]) -> Pairing:
        """Pair the workers, all in one round.

        Raises:
            PairingError: No node has two workers.
        """
        require_two(workers, "SameNode()")
        nodes = grouped(workers, _node)
        pairs = tuple(
            Pair(client, server)
            for members in nodes.values()
            for client, server in zip(members[::2], members[1::2], strict=False)
        )
        if not pairs:
            msg = (
                f"each of the {len(workers)} workers is on a node of its own and SameNode() needs two on one node: "
                f"use WorkerFleet(cluster, workers={2 * len(nodes)}), or CrossNode()"
            )
            raise PairingError(msg)
        return Pairing(
            rounds=(pairs,),
            left_over=left_over(
                workers,
                pairs,
                lambda worker: f"{worker.node} has an odd number of workers, {len(nodes[worker.node])}",
            ),
        )


def _node(worker: Worker) -> str:
    return worker.node


def _zone(worker: Worker) -> str:
    return worker.zone or ""


def _across(workers: Sequence[Worker], key: Callable[[Worker], str]) -> tuple[Pair, ...]:
    """Make as many pairs as there can be of workers in different groups.

    If one group holds half of the workers or more, each of the others is given one of its members: no pair can do
    without one of the others. If not, the workers are written down group by group, and each of the first half is paired
    with the one half the list further on, which no group is long enough to reach.
    """
    groups = grouped(workers, key)
    if not groups:
        return ()
    largest = max(groups.values(), key=len)
    others = [worker for members in groups.values() if members is not largest for worker in members]
    if len(largest) >= len(others):
        couples = list(zip(largest, others, strict=False))
    else:
        in_groups = [worker for members in groups.values() for worker in members]
        half = len(in_groups) // 2
        couples = list(zip(in_groups[:half], in_groups[half : 2 * half], strict=True))
    place = {worker.name: index for index, worker in enumerate(workers)}
    ordered = (sorted(couple, key=lambda worker: place[worker.name]) for couple in couples)
    return tuple(Pair(client, server) for client, server in sorted(ordered, key=lambda couple: place[couple[0].name]))


def _crowded_out(
    workers: Sequence[Worker], pairs: Sequence[Pair], key: Callable[[Worker], str]
) -> tuple[LeftOver, ...]:
    """Name the workers that found no partner outside of their group."""
    sizes = {name: len(members) for name, members in grouped(workers, key).items()}

    def reason(worker: Worker) -> str:
        group = key(worker)
        elsewhere = len(workers) - sizes[group]
        if sizes[group] > elsewhere:
            return (
                f"{group} has {sizes[group]} of the {len(workers)} workers, and only {number_of(elsewhere, 'worker')} "
                "elsewhere to pair them with"
            )
        return f"the number of workers, {len(workers)}, is odd"

    return left_over(workers, pairs, reason)
