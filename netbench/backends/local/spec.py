"""What a local cluster is asked to be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, cast

import attrs

from netbench.errors import InvalidArgumentError, UsageError
from netbench.topology import Node

__all__ = ("NODES_MAX", "Isolation", "LocalSpec", "local_spec")

Isolation: TypeAlias = Literal["auto", "netns", "process"]

_ISOLATIONS: tuple[Isolation, ...] = ("auto", "netns", "process")
#: Nodes are numbered by one byte of their address, 198.18.N.W.
NODES_MAX = 254
_MTU_MIN = 576
_MTU_MAX = 65_535


@attrs.frozen(kw_only=True)
class LocalSpec:
    """A local cluster, every argument checked.

    Attributes:
        nodes: The nodes.
        isolation: What was asked for.
        link_rate_bps: Limit of each node's link and direction, in bits of Ethernet frames per second.
        mtu: MTU of each node's link in bytes.
    """

    nodes: tuple[Node, ...]
    isolation: Isolation
    link_rate_bps: float | None
    mtu: int | None


def local_spec(*, nodes: object, zones: object, isolation: object, link_rate_bps: object, mtu: object) -> LocalSpec:
    """Check the arguments of ``Cluster.local``.

    Raises:
        InvalidArgumentError: One of them is wrong.
        UsageError: They do not go together.
    """
    names = _node_names(nodes)
    zone_of = _zone_of(names, zones)
    if link_rate_bps is not None and not _is_positive_number(link_rate_bps):
        raise _wrong("link_rate_bps", link_rate_bps, "a number above 0, or None for no limit")
    if mtu is not None and not (isinstance(mtu, int) and not isinstance(mtu, bool) and _MTU_MIN <= mtu <= _MTU_MAX):
        raise _wrong("mtu", mtu, f"a whole number from {_MTU_MIN} to {_MTU_MAX}, or None")
    if isolation == "process" and (link_rate_bps is not None or mtu is not None):
        msg = (
            "Cluster.local(link_rate_bps=, mtu=) need links of their own, which isolation='process' does not have: "
            "use isolation='netns'"
        )
        raise UsageError(msg)
    return LocalSpec(
        nodes=tuple(Node(name=name, zone=zone_of.get(name)) for name in names),
        isolation=_isolation(isolation),
        link_rate_bps=cast("float | None", link_rate_bps),
        mtu=mtu,
    )


def _node_names(nodes: object) -> tuple[str, ...]:
    expected = f"a number of nodes from 1 to {NODES_MAX}, or as many different names"
    if isinstance(nodes, int) and not isinstance(nodes, bool):
        if not 1 <= nodes <= NODES_MAX:
            raise _wrong("nodes", nodes, expected)
        return tuple(f"node-{index + 1}" for index in range(nodes))
    if not isinstance(nodes, Sequence) or isinstance(nodes, str | bytes):
        raise _wrong("nodes", nodes, expected)
    names = tuple(nodes)
    if not 1 <= len(names) <= NODES_MAX or any(not isinstance(name, str) or not name for name in names):
        raise _wrong("nodes", nodes, expected)
    if len(set(names)) < len(names):
        raise _wrong("nodes", nodes, "different names")
    return names


def _isolation(isolation: object) -> Isolation:
    for known in _ISOLATIONS:
        if isolation == known:
            return known
    raise _wrong("isolation", isolation, "one of " + ", ".join(map(repr, _ISOLATIONS)))


def _zone_of(names: tuple[str, ...], zones: object) -> dict[str, str]:
    expected = "zone names, given to the nodes in turn, or a mapping from node to zone"
    if zones is None:
        return {}
    if isinstance(zones, Mapping):
        unknown = [node for node in zones if node not in names]
        if unknown:
            raise _wrong("zones", zones, f"a mapping from {', '.join(names)} to zones; {unknown[0]!r} is no node")
        zone_of = dict(zones)
    elif isinstance(zones, Sequence) and not isinstance(zones, str | bytes) and zones:
        zone_of = {name: zones[index % len(zones)] for index, name in enumerate(names)}
    else:
        raise _wrong("zones", zones, expected)
    if any(not isinstance(zone, str) or not zone for zone in zone_of.values()):
        raise _wrong("zones", zones, expected)
    return zone_of


def _is_positive_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def _wrong(argument: str, value: object, expected: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"Cluster.local({argument}=)", value, expected)
