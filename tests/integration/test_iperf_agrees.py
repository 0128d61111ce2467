"""iperf2 and iperf3 through netbench agree with the same programs run by hand on the same link."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import anyio
import pytest

import netbench as nb
from tests.support.lab import drop, in_namespace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netbench.topology import Worker

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("iperf")]

LINK_BPS = 100e6
PORT = 5400
DURATION_S = 4


@contextmanager
def server_by_hand(worker: Worker, command: Sequence[str]) -> Iterator[None]:
    """Run an iperf server in a worker's namespace."""
    with subprocess.Popen(in_namespace(worker, command), stdout=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.kill()


async def client_by_hand(worker: Worker, command: Sequence[str]) -> str:
    """Run an iperf client in a worker's namespace, as soon as the server listens."""
    with anyio.fail_after(30):
        while True:
            done = await anyio.run_process(in_namespace(worker, command), check=False)
            if done.returncode == 0 and b"refused" not in done.stderr + done.stdout:
                return done.stdout.decode()
            await anyio.sleep(0.1)


async def both(
    driver: Literal["iperf2", "iperf3"], traffic: nb.Traffic, server: Sequence[str], client: Sequence[str]
) -> tuple[nb.PairResult, str]:
    """Measure through netbench, then by hand in the same namespaces."""
    async with (
        nb.Cluster.local(nodes=2, isolation="netns", link_rate_bps=LINK_BPS) as cluster,
        nb.WorkerFleet(cluster, workers=2) as fleet,
    ):
        one, other = fleet.workers
        strategy = nb.ExplicitPairs([(one.name, other.name)])
        warmup_s = 1 if isinstance(traffic, nb.Tcp) else 0
        measurement = nb.Measurement(traffic, duration_s=DURATION_S, warmup_s=warmup_s, driver=driver)
        result = await measurement.run(fleet, strategy)
        result.raise_if_incomplete()
        with server_by_hand(other, server):
            text = await client_by_hand(one, [word.format(server=other.address) for word in client])
    return result.pairs[0], text


async def test_iperf3_tcp_agrees() -> None:
    """Receiver's throughput on a limited link, within 1 %."""
    pair, text = await both(
        "iperf3",
        nb.Tcp(),
        ["iperf3", "-s", "-1", "-p", str(PORT)],
        ["iperf3", "-c", "{server}", "-p", str(PORT), "-t", str(DURATION_S), "-O", "1", "-J"],
    )
    assert pair.throughput_bps == pytest.approx(json.loads(text)["end"]["sum_received"]["bits_per_second"], rel=0.01)


async def test_iperf3_udp_agrees() -> None:
    """Datagrams of a paced sender, within 1 %."""
    pair, text = await both(
        "iperf3",
        nb.Udp(rate_bps=10e6),
        ["iperf3", "-s", "-1", "-p", str(PORT)],
        ["iperf3", "-u", "-b", "10M", "-l", "1400", "-c", "{server}", "-p", str(PORT), "-t", str(DURATION_S), "-J"],
    )
    by_hand = json.loads(text)["end"]["sum"]
    assert pair.received_pps == pytest.approx(by_hand["packets"] / by_hand["seconds"], rel=0.01)


async def test_iperf2_tcp_agrees() -> None:
    """Throughput on a limited link, within 3 %: by hand iperf2 counts at the sender, whose buffers fill first."""
    pair, text = await both(
        "iperf2",
        nb.Tcp(),
        ["iperf", "-s", "-p", str(PORT)],
        ["iperf", "-c", "{server}", "-p", str(PORT), "-t", str(DURATION_S), "-y", "C"],
    )
    assert pair.throughput_bps == pytest.approx(float(text.strip().splitlines()[-1].split(",")[8]), rel=0.03)


async def test_iperf2_udp_agrees() -> None:
    """Datagrams of a paced sender, within 1 %."""
    pair, text = await both(
        "iperf2",
        nb.Udp(rate_bps=10e6),
        ["iperf", "-s", "-u", "-p", str(PORT)],
        ["iperf", "-u", "-b", "10m", "-l", "1400", "-c", "{server}", "-p", str(PORT), "-t", str(DURATION_S), "-y", "C"],
    )
    rate_bps = float(text.strip().splitlines()[-1].split(",")[8])
    assert pair.received_pps == pytest.approx(rate_bps / (8 * 1400), rel=0.01)


@pytest.mark.parametrize("driver", ["iperf2", "iperf3"])
async def test_iperf_loss_is_what_a_filter_dropped(driver: Literal["iperf2", "iperf3"]) -> None:
    """The program's count of lost datagrams is the rule's, but for what it sends at its very end."""
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        strategy = nb.ExplicitPairs([(fleet.workers[0].name, fleet.workers[1].name)])
        with drop(fleet.workers[1], f"udp dport {PORT} udp length 1408 numgen random mod 100 < 3") as rule:
            measurement = nb.Measurement(nb.Udp(rate_pps=2000), duration_s=2, driver=driver, port=PORT)
            result = await measurement.run(fleet, strategy)
            dropped = rule.dropped()
    assert result.pairs[0].lost == pytest.approx(dropped, abs=2)
