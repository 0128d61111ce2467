"""The bridge and the nodes' network namespaces."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.lab.layout import BRIDGE, HOST_ADDRESS, NODE_PREFIX, SERVICE_RANGE
from tests.e2e.lab.programs import LabError, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.e2e.lab.layout import NodeLayout

__all__ = ("inside", "make_network")


def inside(node: NodeLayout, *command: str) -> list[str]:
    """Give the command that runs this one in the node's network namespace, with the host's file systems."""
    return ["nsenter", f"--net={node.netns_path}", *command]


def make_network(nodes: Sequence[NodeLayout]) -> None:
    """Join the nodes by a bridge in the host's namespace, where the control plane listens."""
    _ip("link", "add", BRIDGE, "type", "bridge")
    _ip("addr", "add", f"{HOST_ADDRESS}/{NODE_PREFIX}", "dev", BRIDGE)
    _ip("link", "set", BRIDGE, "up")
    # Pods on one node talk over its bridge: iptables must see that, or Services do not work there.
    with suppress(LabError):
        run(["modprobe", "br_netfilter"])
    for node in nodes:
        _make_node(node, [other for other in nodes if other != node])
        # Without it, what a pod asks of the API server gets no answer.
        _ip("route", "add", node.pods, "via", node.address)


def _make_node(node: NodeLayout, others: Sequence[NodeLayout]) -> None:
    _ip("netns", "add", node.netns)
    _ip("link", "add", node.link, "type", "veth", "peer", "name", "eth0", "netns", node.netns)
    _ip("link", "set", node.link, "master", BRIDGE, "up")
    _ip("-n", node.netns, "addr", "add", f"{node.address}/{NODE_PREFIX}", "dev", "eth0")
    for device in ("eth0", "lo"):
        _ip("-n", node.netns, "link", "set", device, "up")
    _ip("-n", node.netns, "route", "add", SERVICE_RANGE, "via", HOST_ADDRESS)
    for other in others:
        _ip("-n", node.netns, "route", "add", other.pods, "via", other.address)
    run(inside(node, "sysctl", "-qw", "net.ipv4.ip_forward=1"))
    if Path("/proc/sys/net/bridge").exists():
        run(inside(node, "sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=1"))


def _ip(*words: str) -> None:
    run(["ip", *words])
