"""A stranger in the cluster: it can reach every port of a worker, and neither starts nor disturbs anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

import netbench as nb

if TYPE_CHECKING:
    from tests.e2e.kubernetes import Kubernetes

pytestmark = pytest.mark.anyio

#: Runs in a pod of another fleet: connects to every port that listens, with garbage, with nothing, and with what it has
#: heard before.
STRANGER = """
import json, socket, sys, time
host, peer_port = sys.argv[1], int(sys.argv[2])
def frame(value):
    body = json.dumps(value).encode()
    return len(body).to_bytes(4, "big") + body
open_ports = []
for port in range(32768, 61000):
    probe = socket.socket(); probe.settimeout(0.2)
    if probe.connect_ex((host, port)) == 0:
        open_ports.append(port)
    probe.close()
half_open = [socket.create_connection((host, port), timeout=2) for port in open_ports for _ in range(20)]
replies = []
for port in open_ports:
    for words in (b"GET / HTTP/1.1\\r\\n\\r\\n", b"\\xff" * 4096, (2**31 - 1).to_bytes(4, "big") + b"{}", b"\\0" * 16):
        with socket.create_connection((host, port), timeout=2) as connection:
            try:
                connection.sendall(words)
            except OSError:
                pass
proof = None
for attempt in range(3):
    with socket.create_connection((host, peer_port), timeout=2) as connection:
        length = int.from_bytes(connection.recv(4), "big")
        challenge = json.loads(connection.recv(length))
        proof = proof or {"kind": "proof", "nonce": "00" * 16, "proof": challenge["nonce"] * 2}
        connection.sendall(frame(proof) + frame({"kind": "prepare", "protocol": 2, "request": {}}))
        connection.settimeout(8)
        try:
            replies.append(connection.recv(4096).decode(errors="replace"))
        except ConnectionResetError:
            replies.append("")
print(json.dumps({"ports": len(open_ports), "replies": replies}))
"""


async def test_a_stranger_learns_nothing_starts_nothing_and_is_counted(
    cluster: nb.Cluster, kubernetes: Kubernetes
) -> None:
    """The measurement that goes on meanwhile is complete."""
    async with cluster, nb.WorkerFleet(cluster, workers=2) as fleet, nb.WorkerFleet(cluster, workers=1) as strangers:
        server = next(pair.server for pair in nb.CrossNode().pair(fleet.workers).rounds[0])
        port = fleet.crew.hellos[server.name].peer_port
        run = await nb.Measurement(nb.Tcp(rate_bps=50e6), duration_s=25).start(fleet, nb.CrossNode())
        async for event in run.events():
            if isinstance(event, nb.RoundFired):
                break
        await anyio.sleep(3)
        command = ["python3", "-c", STRANGER, server.address, str(port)]
        said = await kubernetes.execute(strangers.workers[0].name, command, timeout_s=60)
        result = await run.gather()
    assert "'replies': ['', '', '']" in said or '"replies": ["", "", ""]' in said
    assert result.complete
    assert result.pairs[0].strangers > 20
    assert "refused meanwhile" in str(result)
