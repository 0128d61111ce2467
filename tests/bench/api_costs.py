"""What the API server has spent: its processor's time and the calls that it has answered."""

from __future__ import annotations

import os
import re
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import attrs

if TYPE_CHECKING:
    from tests.e2e.kubernetes import Kubernetes

__all__ = ("Cost", "Costs")

_COUNTED = re.compile(r"^apiserver_request_total\{(?P<labels>[^}]*)\} (?P<count>\S+)$", re.MULTILINE)
#: What a run may make or ask for, of both netbench and ClusterLoader2.
_RESOURCES = (
    *("networktestrequests", "pods", "deployments", "replicasets", "configmaps", "secrets", "serviceaccounts"),
    *("roles", "rolebindings", "clusterrolebindings", "namespaces", "customresourcedefinitions"),
)
#: What the API server uses by itself comes in bursts, such as the collection of what an earlier run left.
_IDLE_WINDOWS, _IDLE_WINDOW_S = 7, 4.0


@attrs.frozen(kw_only=True)
class Cost:
    """What a period cost.

    Attributes:
        requests: Calls about the objects of a run, watches left out.
        server_s: Seconds of the API server's processor, without its own use and that of the looking.
    """

    requests: float
    server_s: float


class Costs:
    """What was spent until each of some moments."""

    def __init__(self, kubernetes: Kubernetes, idle_share: float) -> None:
        self._kubernetes = kubernetes
        self._idle_share = idle_share
        self._spent: dict[str, Cost] = {}
        self._looking_s = 0.0
        self.at_s: dict[str, float] = {}

    @classmethod
    async def begin(cls, kubernetes: Kubernetes) -> Costs:
        """Begin, after a look at what the API server uses for nodes and controllers alone."""
        return cls(kubernetes, await _idle_share())

    async def take(self, moment: str) -> None:
        """Note what was spent until now."""
        self.at_s[moment] = time.monotonic()
        server_s = _server_s()
        self._spent[moment] = Cost(
            requests=await _requests(self._kubernetes),
            server_s=server_s - self._looking_s - self._idle_share * self.at_s[moment],
        )
        self._looking_s += _server_s() - server_s

    def between(self, first: str, last: str) -> Cost:
        """Give what was spent from one moment to another."""
        begin, end = self._spent[first], self._spent[last]
        return Cost(
            requests=end.requests - begin.requests,
            server_s=end.server_s - begin.server_s,
        )


async def _requests(kubernetes: Kubernetes) -> float:
    reply = await kubernetes.api.transport.send(
        "GET", "/metrics", body=None, content_type="application/json", timeout_s=60
    )
    return sum(
        float(match["count"])
        for match in _COUNTED.finditer(reply.body.decode())
        if any(f'resource="{each}"' in match["labels"] for each in _RESOURCES) and 'verb="WATCH"' not in match["labels"]
    )


async def _idle_share() -> float:
    shares = []
    for _ in range(_IDLE_WINDOWS):
        began_s, began = time.monotonic(), _server_s()
        await anyio.sleep(_IDLE_WINDOW_S)
        shares.append((_server_s() - began) / (time.monotonic() - began_s))
    return statistics.median(shares)


def _server_s() -> float:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if b"kube-apiserver" in b" ".join(words[:2]):
                return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return float("nan")
