"""A network of namespaces: one for each node, and one for the switch that joins them.

Nothing is put into the host's own namespace, so the host's routes and filters cannot disturb, and are not disturbed.
Each node has one interface, ``eth0``, a veth whose other end is a port of the switch's bridge. Addresses come from
198.18.0.0/15, the range set apart for benchmarks (RFC 2544): node N's workers have 198.18.N.1, 198.18.N.2 and so on,
one flat network.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from netbench.backends.local import programs
from netbench.errors import BackendError, MissingFeatureError, MissingPermissionError, PlacementError
from netbench.tasks import together

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from netbench.backends.local.spec import LocalSpec

__all__ = ("Network", "check_allowed", "names_of", "open_network", "remove")

_NETNS_DIRECTORY = Path("/run/netns")
_CAP_NET_ADMIN = 12
_CAP_SYS_ADMIN = 21
_MTU = 1500
_WORKERS_PER_NODE_MAX = 254
_REMOVE_TIMEOUT_S = 20.0
#: A token bucket's bucket must hold the largest packet that segmentation offload makes, and 2 ms of the rate: a timer
#: is late by about that much on a busy machine, and an empty bucket's time is lost.
_BUCKET_MIN_BYTES = 128 * 1024
_BUCKET_S = 0.002
#: The queue before the bucket: what a good switch's port buffers. Less starves TCP, more only adds delay.
_QUEUE_S = 0.02


def check_allowed(*, link_rate: bool) -> None:
    """Check what network namespaces need.

    Raises:
        MissingFeatureError: This is not Linux.
        MissingPermissionError: A capability is not held.
        MissingProgramError: iproute2 is not installed.
    """
    if sys.platform != "linux":
        msg = "network namespaces exist on Linux only; use isolation='process'"
        raise MissingFeatureError(msg)
    held = _effective_capabilities()
    missing = [
        name
        for bit, name in ((_CAP_NET_ADMIN, "CAP_NET_ADMIN"), (_CAP_SYS_ADMIN, "CAP_SYS_ADMIN"))
        if not held >> bit & 1
    ]
    if missing:
        msg = f"network namespaces need {' and '.join(missing)}: run as root, or use isolation='process'"
        raise MissingPermissionError(msg)
    programs.find("ip", "iproute2")
    if link_rate:
        programs.find("tc", "iproute2")


def names_of(cluster_id: str) -> list[str]:
    """List the namespaces that this cluster has, the switch's included."""
    if not _NETNS_DIRECTORY.is_dir():
        return []
    return sorted(path.name for path in _NETNS_DIRECTORY.glob(f"nb-{cluster_id}-*"))


class Network:
    """The namespaces of one cluster; made by :func:`open_network`."""

    def __init__(self, cluster_id: str, spec: LocalSpec) -> None:
        self._id = cluster_id
        self._spec = spec
        self._used: list[set[int]] = [set() for _ in spec.nodes]

    def path(self, node: int) -> str:
        """Give the path of a node's namespace, for setns(2)."""
        return str(_NETNS_DIRECTORY / self._name(node))

    @asynccontextmanager
    async def addresses(self, nodes: Sequence[int]) -> AsyncIterator[list[str]]:
        """Give one address on each of these nodes, in their order, for as long as the context lasts.

        Raises:
            PlacementError: A node has no address left.
        """
        taken: list[tuple[int, int]] = []
        try:
            for node in nodes:
                # One by one, so that the others are given back when a node has none left.
                taken.append((node, self._take(node)))  # noqa: PERF401 - what was taken is given back if the next fails
            await self._on_nodes("add", taken)
            yield [f"198.18.{node + 1}.{number}" for node, number in taken]
            await self._on_nodes("del", taken)
        finally:
            for node, number in taken:
                self._used[node].discard(number)

    async def make(self) -> None:
        """Make the namespaces and join them."""
        switch = self._name("switch")
        nodes = range(len(self._spec.nodes))
        await _batch([f"netns add {name}" for name in (switch, *map(self._name, nodes))])
        ports = [
            f"link add name eth0 netns {self._name(node)} mtu {self._mtu} type veth "
            f"peer name port{node + 1} netns {switch} mtu {self._mtu}"
            for node in nodes
        ]
        await _batch(ports)
        bridge = [f"link add bridge mtu {self._mtu} type bridge stp_state 0 forward_delay 0 mcast_snooping 0"]
        bridge += [f"link set port{node + 1} master bridge addrgenmode none up" for node in nodes]
        await _batch([*bridge, "link set bridge addrgenmode none up"], switch)
        up = ["link set lo up", "link set eth0 addrgenmode none up"]
        await together(partial(_batch, up, self._name(node)) for node in nodes)
        rate_bps = self._spec.link_rate_bps
        if rate_bps is not None:
            ends = [(self._name(node), "eth0") for node in nodes] + [(switch, f"port{node + 1}") for node in nodes]
            await together(partial(_limit, namespace, interface, rate_bps) for namespace, interface in ends)

    @property
    def _mtu(self) -> int:
        return _MTU if self._spec.mtu is None else self._spec.mtu

    def _name(self, part: int | str) -> str:
        return f"nb-{self._id}-{part if isinstance(part, str) else part + 1}"

    def _take(self, node: int) -> int:
        for number in range(1, _WORKERS_PER_NODE_MAX + 1):
            if number not in self._used[node]:
                self._used[node].add(number)
                return number
        name = self._spec.nodes[node].name
        msg = f"the node has its {_WORKERS_PER_NODE_MAX} workers already; give the cluster more nodes"
        raise PlacementError(msg, worker="(next)", node=name)

    async def _on_nodes(self, verb: str, taken: Sequence[tuple[int, int]]) -> None:
        lines: dict[int, list[str]] = {}
        for node, number in taken:
            lines.setdefault(node, []).append(f"addr {verb} 198.18.{node + 1}.{number}/16 dev eth0")
        # The first address is deleted last: deleting it takes the others, its secondaries, along.
        order = 1 if verb == "add" else -1
        await together(partial(_batch, batch[::order], self._name(node)) for node, batch in lines.items())


@asynccontextmanager
async def open_network(cluster_id: str, spec: LocalSpec) -> AsyncIterator[Network]:
    """Make the network and remove it at the end.

    Raises:
        MissingPermissionError: The kernel refused, whatever the capabilities say.
        BackendError: It could not be made.
    """
    network = Network(cluster_id, spec)
    try:
        await network.make()
        yield network
    finally:
        with anyio.move_on_after(_REMOVE_TIMEOUT_S, shield=True):
            await remove(cluster_id)


async def remove(cluster_id: str) -> list[str]:
    """Remove the cluster's namespaces, ending whatever still runs in them.

    Returns:
        What was removed.

    Raises:
        BackendError: A namespace could not be removed.
    """
    names = names_of(cluster_id)
    if not names:
        return []
    ip = programs.find("ip", "iproute2")
    for name in names:
        for pid in (await programs.run([ip, "netns", "pids", name])).split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    await _batch([f"netns del {name}" for name in names])
    return names


async def _batch(lines: Sequence[str], namespace: str | None = None) -> None:
    inside = [] if namespace is None else ["-n", namespace]
    ip = programs.find("ip", "iproute2")
    try:
        await programs.run([ip, *inside, "-batch", "-"], words="\n".join(lines) + "\n")
    except BackendError as error:
        msg = f"the network of namespaces could not be changed: {error}"
        raise BackendError(msg) from error


async def _limit(namespace: str, interface: str, rate_bps: float) -> None:
    bucket_bytes = max(_BUCKET_MIN_BYTES, round(rate_bps / 8 * _BUCKET_S))
    queue_bytes = bucket_bytes + round(rate_bps / 8 * _QUEUE_S)
    tc = programs.find("tc", "iproute2")
    qdisc = ["tbf", "rate", f"{round(rate_bps)}bit", "burst", str(bucket_bytes), "limit", str(queue_bytes)]
    await programs.run([tc, "-n", namespace, "qdisc", "add", "dev", interface, "root", *qdisc])


def _effective_capabilities() -> int:
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:"))
    except (OSError, StopIteration, ValueError) as error:
        msg = f"this process's capabilities cannot be read from /proc: {error}"
        raise MissingFeatureError(msg) from error
