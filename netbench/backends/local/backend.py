"""A cluster on this machine."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from netbench.backends.base import BackendFacts, PodOptions
from netbench.backends.local import leftovers, netns, rundir
from netbench.backends.local.crew import Seat, open_crew
from netbench.errors import HostError, InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from netbench.backends.base import Crew, FleetSpec
    from netbench.backends.local.netns import Network
    from netbench.backends.local.spec import LocalSpec
    from netbench.topology import Node

__all__ = ("LocalBackend", "open_local")

_READY_TIMEOUT_S = 30.0
_LOOPBACK = "127.0.0.1"


class LocalBackend:
    """Implements :class:`netbench.backends.base.Backend`; made by :func:`open_local`."""

    def __init__(self, spec: LocalSpec, directory: Path, network: Network | None, reason: str) -> None:
        self._spec = spec
        self._directory = directory
        self._network = network
        self._reason = reason
        self._fleets = 0

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes."""
        return self._spec.nodes

    @property
    def facts(self) -> BackendFacts:
        """Isolation and why it was taken, number of nodes, and the links' rate and MTU where they were asked for."""
        details = {
            "isolation": "process" if self._network is None else "netns",
            "isolation_reason": self._reason,
            "nodes": str(len(self._spec.nodes)),
        }
        if self._spec.link_rate_bps is not None:
            details["link_rate_bps"] = f"{self._spec.link_rate_bps:.0f}"
        if self._spec.mtu is not None:
            details["mtu"] = str(self._spec.mtu)
        return BackendFacts(kind="local", details=details)

    def abandon(self) -> None:
        """Do nothing: what is here is removed in a moment."""

    @asynccontextmanager
    async def place(self, spec: FleetSpec) -> AsyncIterator[Crew]:
        """Start the workers and wait until they are ready.

        Raises:
            InvalidArgumentError: The placement names a node that is not there.
            PlacementError: A worker did not become ready.
        """
        if spec.pod is not None:
            given = attrs.asdict(spec.pod, filter=lambda field, value: value != getattr(PodOptions(), field.name))
            expected = "left out for Cluster.local, whose workers are processes and not pods"
            where = f"WorkerFleet({', '.join(f'{name}=' for name in given)})"
            raise InvalidArgumentError(where, given, expected)
        timeout_s = _READY_TIMEOUT_S if spec.ready_timeout_s is None else spec.ready_timeout_s
        places = self._places(spec)
        control = leftovers.control_argument(self._directory, self._fleets)
        self._fleets += 1
        async with AsyncExitStack() as stack:
            seats = await self._seats(places, stack)
            yield await stack.enter_async_context(open_crew(seats, control, timeout_s))

    def _places(self, spec: FleetSpec) -> list[int]:
        """Give each worker's node, by its index."""
        nodes = range(len(self._spec.nodes))
        if spec.workers is not None:
            return [worker % len(nodes) for worker in range(spec.workers)]
        if spec.per_node is not None:
            return [node for _ in range(spec.per_node) for node in nodes]
        names = [node.name for node in self._spec.nodes]
        placement = spec.placement or {}
        for name in placement:
            if name not in names:
                expected = f"a mapping from the cluster's nodes {', '.join(names)}; {name!r} is not one of them"
                raise InvalidArgumentError("WorkerFleet(placement=)", dict(placement), expected)
        return [names.index(name) for name, count in placement.items() for _ in range(count)]

    async def _seats(self, places: Sequence[int], stack: AsyncExitStack) -> list[Seat]:
        if self._network is None:
            addresses = [_LOOPBACK for _ in places]
        else:
            addresses = await stack.enter_async_context(self._network.addresses(places))
        return [
            Seat(
                name=f"worker-{number}",
                node=self._spec.nodes[place],
                address=address,
                namespace=None if self._network is None else self._network.path(place),
            )
            for number, (place, address) in enumerate(zip(places, addresses, strict=True))
        ]


@asynccontextmanager
async def open_local(spec: LocalSpec) -> AsyncIterator[LocalBackend]:
    """Remove what dead controllers left, make the nodes, and remove them at the end.

    Raises:
        HostError: This machine lacks what was asked for.
        BackendError: The nodes could not be made.
    """
    await leftovers.remove()
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(rundir.open_run_directory())
        network, reason = await _network(spec, directory.name, stack)
        yield LocalBackend(spec, directory, network, reason)


async def _network(spec: LocalSpec, cluster_id: str, stack: AsyncExitStack) -> tuple[Network | None, str]:
    if spec.isolation == "process":
        return None, "as asked"
    try:
        netns.check_allowed(link_rate=spec.link_rate_bps is not None)
        # Tried rather than believed: a container may hold the capability and still be refused.
        network = await stack.enter_async_context(netns.open_network(cluster_id, spec))
    except HostError as error:
        if spec.isolation == "netns" or spec.link_rate_bps is not None or spec.mtu is not None:
            raise
        return None, f"no network namespaces here: {error}"
    return network, "as asked" if spec.isolation == "netns" else "network namespaces are allowed here"
