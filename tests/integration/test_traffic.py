"""Every kind of traffic, with real workers, in namespaces and as plain processes."""

from __future__ import annotations

from typing import Literal

import pytest

import netbench as nb

pytestmark = pytest.mark.anyio

ALL = [
    pytest.param(nb.Tcp(), id="tcp"),
    pytest.param(nb.Tcp(streams=4), id="tcp-4-streams"),
    pytest.param(nb.Tcp(direction="reverse"), id="tcp-reverse"),
    pytest.param(nb.Tcp(direction="both", streams=2), id="tcp-both"),
    pytest.param(nb.Tcp(receive="discard"), id="tcp-discard"),
    pytest.param(nb.Tcp(rate_bps=20e6, congestion="reno"), id="tcp-paced-reno"),
    pytest.param(nb.Udp(), id="udp"),
    pytest.param(nb.Udp(rate_bps=8e6, streams=3, payload_bytes=600), id="udp-3-streams"),
    pytest.param(nb.Udp(unlimited=True, payload_bytes=64), id="udp-unlimited"),
    pytest.param(nb.Udp(payload_bytes=9000), id="udp-fragmented"),
    pytest.param(nb.Http(), id="http"),
    pytest.param(nb.Http(rate_rps=300), id="http-open-loop"),
    pytest.param(nb.Http(method="POST", request_bytes=5000, response_bytes=100_000), id="http-post"),
    pytest.param(nb.Http(connection="per-request", connections=4), id="http-per-request"),
]


async def run(traffic: nb.Traffic, isolation: Literal["netns", "process"]) -> nb.Result:
    """Measure one pair for a second."""
    async with (
        nb.Cluster.local(nodes=2, isolation=isolation) as cluster,
        nb.WorkerFleet(cluster, workers=2) as fleet,
    ):
        return await nb.Measurement(traffic, duration_s=1, warmup_s=0.2).run(fleet, nb.CrossNode())


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("traffic", ALL)
async def test_traffic_between_namespaces_is_measured(traffic: nb.Traffic) -> None:
    """A complete result whose throughput and latency are there."""
    result = await run(traffic, "netns")
    result.raise_if_incomplete()
    assert result.pairs[0].throughput_bps
    assert result.latency.percentile(50) < 1


@pytest.mark.parametrize("traffic", [nb.Tcp(), nb.Udp(), nb.Http()], ids=["tcp", "udp", "http"])
async def test_traffic_between_plain_processes_is_measured(traffic: nb.Traffic) -> None:
    """The same without any right."""
    result = await run(traffic, "process")
    result.raise_if_incomplete()
    assert result.bandwidth.percentile(50) > 0


@pytest.mark.parametrize("traffic", [nb.Tcp(), nb.Udp(), nb.Http()], ids=["tcp", "udp", "http"])
async def test_a_real_result_survives_being_stored(traffic: nb.Traffic) -> None:
    """Through JSON and back, everything is equal."""
    result = await run(traffic, "process")
    assert nb.Result.from_json(result.to_json()) == result


async def test_a_paced_sender_keeps_its_rate() -> None:
    """TCP at 20 Mbit/s of payload reads 20 Mbit/s."""
    result = await run(nb.Tcp(rate_bps=20e6), "process")
    assert result.pairs[0].throughput_bps == pytest.approx(20e6, rel=0.02)


async def test_an_open_loop_sends_what_was_asked() -> None:
    """300 requests per second for a second."""
    result = await run(nb.Http(rate_rps=300), "process")
    assert result.pairs[0].requests == pytest.approx(300, abs=1)


async def test_every_pair_says_how_late_it_started_and_how_its_clocks_stood() -> None:
    """Achieved start, offset and bound are part of each result; on one machine the offset is within its bound of 0."""
    pair = (await run(nb.Tcp(), "process")).pairs[0]
    assert pair.start_lateness_s >= 0
    assert abs(pair.clock_offset_s) <= pair.clock_bound_s


async def test_both_workers_say_what_processor_time_they_used() -> None:
    """A starved sender can be told from a slow network."""
    pair = (await run(nb.Tcp(), "process")).pairs[0]
    assert pair.client_usage.cpu_user_s + pair.client_usage.cpu_system_s > 0
    assert pair.server_usage.cpu_user_s + pair.server_usage.cpu_system_s > 0


async def test_a_fleet_serves_measurement_after_measurement() -> None:
    """Workers serve many requests in their life."""
    async with nb.Cluster.local(nodes=2, isolation="process") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        complete = [
            (await nb.Measurement(traffic, duration_s=0.3).run(fleet, nb.CrossNode())).complete
            for traffic in (nb.Tcp(), nb.Udp(), nb.Http(), nb.Tcp(), nb.Udp())
        ]
    assert complete == [True] * 5


async def test_two_runs_at_once_in_one_fleet_are_kept_apart() -> None:
    """Each gathers its own pairs."""
    async with nb.Cluster.local(nodes=2, isolation="process") as cluster, nb.WorkerFleet(cluster, workers=4) as fleet:
        one = await nb.Measurement(nb.Udp(), duration_s=0.5).start(fleet, nb.ExplicitPairs([("worker-0", "worker-1")]))
        two = await nb.Measurement(nb.Http(), duration_s=0.5).start(fleet, nb.ExplicitPairs([("worker-2", "worker-3")]))
        results = [await one.gather(), await two.gather()]
    assert [[str(pair.pair) for pair in result.pairs] for result in results] == [
        ["worker-0 -> worker-1"],
        ["worker-2 -> worker-3"],
    ]
