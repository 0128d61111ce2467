"""Addresses, names and directories of the lab. There is one lab on a machine at a time."""

from __future__ import annotations

from pathlib import Path

import attrs

__all__ = ("API_ADDRESS", "API_PORT", "BRIDGE", "HOST_ADDRESS", "RUN", "SERVICE_RANGE", "NodeLayout", "nodes")

#: Everything of a lab that runs; a path that no other program's command line has.
RUN = Path("/run/netbench-lab")
#: 198.18.0.0/15 is the range for benchmarks (RFC 2544): nodes, pods and Services lie in it.
BRIDGE = "nblab0"
HOST_ADDRESS = "198.18.255.254"
NODE_PREFIX = 24
API_ADDRESS, API_PORT = HOST_ADDRESS, 16443
ETCD_PORT, ETCD_PEER_PORT = 12379, 12380
POD_RANGE = "198.19.0.0/17"
SERVICE_RANGE = "198.19.128.0/20"
API_SERVICE_ADDRESS = "198.19.128.1"


@attrs.frozen
class NodeLayout:
    """Where a node's things are.

    Attributes:
        number: From 1.
    """

    number: int

    @property
    def name(self) -> str:
        """The node's name in Kubernetes."""
        return f"n{self.number}"

    @property
    def zone(self) -> str:
        """Its zone."""
        return f"z{self.number}"

    @property
    def address(self) -> str:
        """Its address."""
        return f"198.18.255.{self.number}"

    @property
    def pods(self) -> str:
        """The range of its pods."""
        return f"198.19.{self.number}.0/24"

    @property
    def netns(self) -> str:
        """The name of its network namespace."""
        return f"nblab-{self.name}"

    @property
    def netns_path(self) -> str:
        """The path of its network namespace."""
        return f"/run/netns/{self.netns}"

    @property
    def link(self) -> str:
        """The host's end of its link."""
        return f"nblab-v{self.number}"

    @property
    def cgroup(self) -> str:
        """The cgroup that its pods are in, in every hierarchy."""
        return f"nblab-{self.name}"

    @property
    def directory(self) -> Path:
        """Its files."""
        return RUN / self.name

    @property
    def containerd(self) -> Path:
        """The socket of its containerd."""
        return self.directory / "containerd.sock"


def nodes(count: int) -> list[NodeLayout]:
    """Give the layout of so many nodes."""
    return [NodeLayout(number) for number in range(1, count + 1)]
