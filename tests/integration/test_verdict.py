"""Rules of the verdict, broken for real."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
import pytest

import netbench as nb
from tests.support.lab import drop, paused

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("namespaces")]


def rules(result: nb.Result) -> set[str]:
    """Name the rules that a result breaks."""
    return {doubt.rule for doubt in result.verdict.doubts}


@contextmanager
def neighbours(count: int) -> Iterator[None]:
    """Keep the processors busy."""
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


async def running(run: nb.Run) -> None:
    """Wait until a pair of the run sends."""
    async for event in run.events():
        if isinstance(event, nb.PairProgressed) and event.phase is nb.Phase.RUNNING:
            return
    pytest.fail("the run ended before any pair was sending")


async def test_busy_neighbours_are_named() -> None:
    """Threads wait for a processor."""
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        with neighbours(6):
            result = await nb.Measurement(nb.Tcp(), duration_s=2).run(fleet, nb.CrossNode())
    assert "run-queue" in rules(result)


async def test_a_machine_that_is_the_limit_is_named() -> None:
    """TCP without a rate takes all that two namespaces of one machine have, and that is not a network's limit."""
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=8) as fleet:
        result = await nb.Measurement(nb.Tcp(streams=2), duration_s=2).run(fleet, nb.CrossNode())
    assert rules(result) & {"cpu-bound", "host-busy", "run-queue", "gil-bound"}


async def test_a_receiver_that_does_not_read_is_named_and_not_the_network() -> None:
    """It stands still for half a second, and its socket's buffer overflows."""
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        strategy = nb.ExplicitPairs([("worker-0", "worker-1")])
        run = await nb.Measurement(nb.Udp(rate_pps=20_000), duration_s=2).start(fleet, strategy)
        await running(run)
        await anyio.sleep(0.5)
        with paused(fleet.workers[1]):
            await anyio.sleep(0.8)
        result = await run.gather()
    assert result.lost
    assert "receive-buffer" in rules(result)


async def test_clocks_that_are_not_known_well_enough_for_the_delay_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clocks that are not one can be compared to no better than a ping-pong takes, which is the delay itself."""
    monkeypatch.setenv("NETBENCH_TEST_CLOCK_SHIFTS_NS", json.dumps({"worker-0": 1_000_000}))
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        result = await nb.Measurement(nb.Udp(rate_pps=500), duration_s=1).run(fleet, nb.CrossNode())
    bound_s = result.pairs[0].clock_bound_s
    assert bound_s > 0
    assert ("clock-bound" in rules(result)) == (bound_s > 0.5 * abs(result.latency.percentile(50)))


async def test_workers_of_one_kernel_share_its_clock() -> None:
    """Their delays have no error of clocks."""
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        result = await nb.Measurement(nb.Udp(rate_pps=500), duration_s=1).run(fleet, nb.CrossNode())
    assert (result.pairs[0].clock_bound_s, "clock-bound" in rules(result)) == (0, False)


async def test_a_slow_server_is_named_where_an_open_loops_requests_leave_late() -> None:
    """It stands still for longer than its connections can wait."""
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        strategy = nb.ExplicitPairs([("worker-0", "worker-1")])
        run = await nb.Measurement(nb.Http(rate_rps=1000, connections=2), duration_s=2).start(fleet, strategy)
        await running(run)
        await anyio.sleep(0.5)
        with paused(fleet.workers[1]):
            await anyio.sleep(0.5)
        result = await run.gather()
    assert "send-lateness" in rules(result)


async def test_a_rate_that_the_link_cannot_carry_is_named() -> None:
    """Ten times what it has."""
    async with (
        nb.Cluster.local(nodes=2, isolation="netns", link_rate_bps=1e7) as cluster,
        nb.WorkerFleet(cluster, workers=2) as fleet,
    ):
        result = await nb.Measurement(nb.Tcp(rate_bps=1e8), duration_s=2).run(fleet, nb.CrossNode())
    assert "rate-not-kept" in rules(result)


async def test_packets_lost_on_the_way_are_named_for_tcp() -> None:
    """A filter drops three in a hundred."""
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        with drop(fleet.workers[1], f"ip saddr {fleet.workers[0].address} numgen random mod 100 < 3"):
            strategy = nb.ExplicitPairs([("worker-0", "worker-1")])
            result = await nb.Measurement(nb.Tcp(), duration_s=2).run(fleet, strategy)
    assert "retransmits" in rules(result)


async def test_a_throughput_that_changes_in_mid_run_is_named() -> None:
    """A sender that stands still for a third of the time."""
    async with (
        nb.Cluster.local(nodes=2, isolation="netns", link_rate_bps=1e8) as cluster,
        nb.WorkerFleet(cluster, workers=2) as fleet,
    ):
        run = await nb.Measurement(nb.Tcp(), duration_s=4, warmup_s=0.5).start(fleet, nb.CrossNode())
        await running(run)
        await anyio.sleep(3)
        with paused(fleet.workers[0]):
            await anyio.sleep(1.4)
        result = await run.gather()
    assert rules(result) & {"change-point", "trend"}
