"""What netbench says, in namespaces whose truth is known."""

from __future__ import annotations

import json

import anyio
import pytest

import netbench as nb
from tests.support.lab import drop, frozen_each_second

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("namespaces")]

#: Of each full frame of 1514 bytes on the wire, 1448 are TCP payload (Ethernet 14, IPv4 20, TCP with time stamps 32).
TCP_PAYLOAD_SHARE = 1448 / 1514


@pytest.mark.parametrize("rate_bps", [100e6, 1e9], ids=["100M", "1G"])
async def test_tcp_over_a_limited_link_reads_what_the_headers_leave(rate_bps: float) -> None:
    """The receiver's throughput is within 1 % of the payload's share of the link's rate."""
    async with (
        nb.Cluster.local(nodes=2, isolation="netns", link_rate_bps=rate_bps) as cluster,
        nb.WorkerFleet(cluster, workers=2) as fleet,
    ):
        result = await nb.Measurement(nb.Tcp(), duration_s=4, warmup_s=1).run(fleet, nb.CrossNode())
    assert result.pairs[0].throughput_bps == pytest.approx(rate_bps * TCP_PAYLOAD_SHARE, rel=0.01)


async def test_udp_loss_equals_what_a_filter_dropped_datagram_for_datagram() -> None:
    """A rule that drops 3 % at random counts exactly the datagrams that netbench says are lost."""
    payload_bytes = 500
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        server = fleet.workers[1]
        data = f"udp dport 5300 udp length {payload_bytes + 8} numgen random mod 100 < 3"
        with drop(server, data) as rule:
            traffic = nb.Udp(rate_pps=5000, payload_bytes=payload_bytes)
            strategy = nb.ExplicitPairs([(fleet.workers[0].name, server.name)])
            result = await nb.Measurement(traffic, duration_s=2, port=5300).run(fleet, strategy)
            dropped = rule.dropped()
    assert dropped > 0
    assert result.pairs[0].lost == dropped


async def test_a_rate_limited_udp_sender_keeps_its_rate_within_a_thousandth() -> None:
    """Datagrams per second, sent and received."""
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        result = await nb.Measurement(nb.Udp(rate_pps=2000), duration_s=3).run(fleet, nb.CrossNode())
    pair = result.pairs[0]
    assert (pair.sent_pps, pair.received_pps) == pytest.approx((2000, 2000), rel=0.001)


@pytest.mark.parametrize("shifted", ["worker-0", "worker-1"], ids=["client", "server"])
async def test_a_shifted_clock_is_found_within_the_stated_bound(shifted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five seconds of shift on either side are measured and corrected; the start is still common."""
    shift_ns = 5_000_000_000
    monkeypatch.setenv("NETBENCH_TEST_CLOCK_SHIFTS_NS", json.dumps({shifted: shift_ns}))
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        strategy = nb.ExplicitPairs([("worker-0", "worker-1")])
        result = await nb.Measurement(nb.Udp(rate_pps=500), duration_s=1).run(fleet, strategy)
    pair = result.pairs[0]
    truth_s = shift_ns / 1e9 * (1 if shifted == "worker-1" else -1)
    assert abs(pair.clock_offset_s - truth_s) <= pair.clock_bound_s


@pytest.mark.parametrize("shifted", ["worker-0", "worker-1"], ids=["client", "server"])
async def test_one_way_delay_does_not_see_a_shifted_clock(shifted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Corrected by the offset, the median delay is that of a veth pair, give or take the bound."""
    monkeypatch.setenv("NETBENCH_TEST_CLOCK_SHIFTS_NS", json.dumps({shifted: 5_000_000_000}))
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        strategy = nb.ExplicitPairs([("worker-0", "worker-1")])
        result = await nb.Measurement(nb.Udp(rate_pps=500), duration_s=1).run(fleet, strategy)
    pair = result.pairs[0]
    assert abs(pair.latency.percentile(50)) <= 0.002 + pair.clock_bound_s


async def _p99_with_a_freezing_server(traffic: nb.Http) -> float:
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        strategy = nb.ExplicitPairs([("worker-0", "worker-1")])
        run = await nb.Measurement(traffic, duration_s=4).start(fleet, strategy)
        async with anyio.create_task_group() as group:
            async for event in run.events():
                if isinstance(event, nb.RoundFired):
                    group.start_soon(frozen_each_second, fleet.workers[1], 0.1)
                if isinstance(event, nb.PairProgressed) and event.phase is nb.Phase.GATHERING:
                    group.cancel_scope.cancel()
        result = await run.gather()
    return result.pairs[0].latency.percentile(99)


async def test_an_open_loop_sees_a_server_that_freezes() -> None:
    """Frozen 100 ms of each second, 1 % of the requests wait for more than about 90 ms."""
    assert await _p99_with_a_freezing_server(nb.Http(rate_rps=1000, connections=64)) > 0.07


async def test_a_closed_loop_hardly_sees_a_server_that_freezes() -> None:
    """The client waits with the server, so that hardly any of its requests are slow."""
    assert await _p99_with_a_freezing_server(nb.Http(connections=1)) < 0.03
