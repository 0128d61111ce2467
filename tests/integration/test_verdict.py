"""Rules of the verdict, broken for real."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
import pytest

import netbench as nb
from tests.support.lab import cpu_limit, drop, kernel_setting, link_rate, paused, queue_limit, refuse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("namespaces")]


PAIR = nb.ExplicitPairs([("worker-0", "worker-1")])


@pytest.fixture
async def fleet() -> AsyncIterator[nb.WorkerFleet]:
    """Open two workers on two nodes."""
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        yield fleet


@pytest.fixture
async def linked() -> AsyncIterator[nb.WorkerFleet]:
    """Open two workers that a link of 100 Mbit/s joins."""
    async with (
        nb.Cluster.local(nodes=2, isolation="netns", link_rate_bps=1e8) as cluster,
        nb.WorkerFleet(cluster, workers=2) as fleet,
    ):
        yield fleet


def rules(result: nb.Result) -> set[str]:
    """Name the rules that a result breaks."""
    return {doubt.rule for doubt in result.verdict.doubts}


async def paused_within(traffic: nb.Traffic, *, worker: int, for_s: float) -> nb.Result:
    """Measure two seconds, half a second after whose beginning one worker of the pair stands still for so long."""
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        run = await nb.Measurement(traffic, duration_s=2).start(fleet, PAIR)
        await running(run)
        await anyio.sleep(0.5)
        with paused(fleet.workers[worker]):
            await anyio.sleep(for_s)
        return await run.gather()


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


#: Fills a link of 100 Mbit/s, and takes what it gives at each moment: no congestion control has to find it out.
FULL = nb.Udp(rate_pps=9000, payload_bytes=1400)


async def running(run: nb.Run) -> None:
    """Wait until a pair of the run sends."""
    async for event in run.events():
        if isinstance(event, nb.PairProgressed) and event.phase is nb.Phase.RUNNING:
            return
    pytest.fail("the run ended before any pair was sending")


async def fired(run: nb.Run) -> nb.RoundFired:
    """Wait until the start of the run's round is known."""
    async for event in run.events():
        if isinstance(event, nb.RoundFired):
            return event
    pytest.fail("the run ended before it was started")


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
    assert "host-busy" in rules(result)


async def test_a_sender_that_takes_a_whole_processor_is_named(fleet: nb.WorkerFleet) -> None:
    """Small datagrams, as many as it can."""
    result = await nb.Measurement(nb.Udp(unlimited=True, payload_bytes=64), duration_s=1).run(fleet, PAIR)
    assert "cpu-bound" in rules(result)


async def test_a_receiver_that_does_not_read_is_named_and_not_the_network() -> None:
    """It stands still for half a second, and its socket's buffer overflows."""
    result = await paused_within(nb.Udp(rate_pps=20_000), worker=1, for_s=0.8)
    assert result.lost
    assert "receive-buffer" in rules(result)


async def test_a_sender_whose_datagrams_leave_in_bursts_is_named() -> None:
    """It stands still for a tenth of a second of two, and then sends at once what was due in it."""
    result = await paused_within(nb.Udp(rate_pps=1_000), worker=0, for_s=0.1)
    assert "send-lateness" in rules(result)


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
    result = await paused_within(nb.Http(rate_rps=1000, connections=2), worker=1, for_s=0.5)
    assert "send-lateness" in rules(result)


async def test_requests_that_leave_after_the_end_are_no_kept_rate() -> None:
    """The server stands still until then, and answers each of them afterwards."""
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        run = await nb.Measurement(nb.Http(rate_rps=1000), duration_s=2).start(fleet, nb.CrossNode())
        await running(run)
        await anyio.sleep(1)
        with paused(fleet.workers[1]):
            await anyio.sleep(1.5)
        result = await run.gather()
    (pair,) = result.pairs
    assert (pair.requests, pair.responses) == (2000, 2000)
    assert "rate-not-kept" in rules(result)


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
    assert "change-point" in rules(result)


async def test_a_throughput_that_rises_at_the_beginning_is_a_warm_up_with_a_suggestion(linked: nb.WorkerFleet) -> None:
    """The link has a fifth of its rate for the first half second of two."""
    link_rate(linked.workers[0], 2e7)
    run = await nb.Measurement(FULL, duration_s=2).start(linked, PAIR)
    await running(run)
    began = anyio.current_time()
    await anyio.sleep(0.45)
    link_rate(linked.workers[0], 1e8)
    risen_s = anyio.current_time() - began
    found = {doubt.rule: doubt for doubt in (await run.gather()).verdict.doubts}
    suggested = re.match(r"Measure again with warmup_s=(\d+(\.\d+)?)", found["warm-up"].advice)
    assert suggested is not None
    # What waited for the link while it was slow is sent first, and an interval on either side may hold both rates.
    assert risen_s - 0.2 <= float(suggested[1]) <= risen_s + 0.4


async def test_a_throughput_that_falls_all_the_time_is_a_trend(linked: nb.WorkerFleet) -> None:
    """By four in a hundred each tenth of a second."""
    run = await nb.Measurement(FULL, duration_s=2).start(linked, PAIR)
    await running(run)
    for step in range(20):
        await anyio.sleep(0.1)
        link_rate(linked.workers[0], 1e8 - 3e6 * step)
    assert "trend" in rules(await run.gather())


async def test_a_kernel_that_runs_out_of_time_for_its_packets_is_named(fleet: nb.WorkerFleet) -> None:
    """It may deal with one packet at a time."""
    with kernel_setting("net/core/netdev_budget", 1):
        result = await nb.Measurement(nb.Udp(rate_pps=500), duration_s=1).run(fleet, PAIR)
    assert "softirq" in rules(result)


async def test_packets_dropped_at_the_kernels_backlog_are_named(fleet: nb.WorkerFleet) -> None:
    """None may wait there; the interface that wanted to hand it on counts the loss too."""
    with kernel_setting("net/core/netdev_max_backlog", 0):
        result = await nb.Measurement(nb.Tcp(streams=2, direction="both"), duration_s=1).run(fleet, PAIR)
    assert {"host-drops", "interface-drops"} <= rules(result)


async def test_datagrams_that_the_senders_kernel_refuses_are_named(fleet: nb.WorkerFleet) -> None:
    """A filter lets five in a hundred not out, and says so."""
    with refuse(fleet.workers[0], "udp length > 500 numgen random mod 100 < 5") as rule:
        result = await nb.Measurement(nb.Udp(rate_pps=1000), duration_s=1).run(fleet, PAIR)
        refused = rule.dropped()
    # After a stall datagrams go in batches; one that is refused within a batch is tried again, which the filter counts.
    assert 0 < (result.pairs[0].send_errors or 0) <= refused
    # Whatever was refused does not count as sent, to the datagram.
    assert result.lost == 0
    assert "send-refused" in rules(result)


async def test_datagrams_that_the_senders_own_queue_drops_are_not_the_networks_loss(fleet: nb.WorkerFleet) -> None:
    """Its interface has a third of the rate and room for two datagrams; the program is told nothing."""
    with queue_limit(fleet.workers[0], rate_bps=3_000_000, queue_bytes=3000):
        result = await nb.Measurement(nb.Udp(rate_pps=1000, payload_bytes=1000), duration_s=1).run(fleet, PAIR)
    assert result.lost
    assert "send-drops" in rules(result)


async def test_threads_that_wait_for_pythons_lock_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their interpreter is slowed down, so that eight receiving threads have more than one processor's worth to do."""
    monkeypatch.setenv("PYTHONTRACEMALLOC", "5")
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        monkeypatch.delenv("PYTHONTRACEMALLOC")
        traffic = nb.Udp(unlimited=True, payload_bytes=64, streams=8)
        result = await nb.Measurement(traffic, duration_s=2).run(fleet, PAIR)
    assert "gil-bound" in rules(result)


async def test_a_worker_that_a_cpu_limit_holds_is_named(fleet: nb.WorkerFleet) -> None:
    """It has a fifth of a processor."""
    try:
        with cpu_limit(fleet.workers[0], 0.2):
            result = await nb.Measurement(nb.Tcp(), duration_s=1).run(fleet, PAIR)
    except FileNotFoundError:
        pytest.skip("no cgroups of version 1 with processor time here")
    assert "cpu-throttled" in rules(result)


async def test_a_late_pair_and_windows_that_do_not_overlap_are_named() -> None:
    """One of two clients stands still at the start instant and for half a second longer."""
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=4) as fleet:
        pairs = nb.ExplicitPairs([("worker-0", "worker-1"), ("worker-2", "worker-3")])
        run = await nb.Measurement(nb.Tcp(rate_bps=1e7), duration_s=2).start(fleet, pairs)
        starts_in_s = (await fired(run)).starts_in_s
        with paused(fleet.workers[2]):
            await anyio.sleep(starts_in_s + 0.5)
        result = await run.gather()
    assert {"late-start", "overlap"} <= rules(result)


async def test_repetitions_that_do_not_agree_well_enough_are_named(fleet: nb.WorkerFleet) -> None:
    """A millionth is more than two of them can know."""
    until = nb.Precision(relative=1e-9, repeats_min=2, repeats_max=2)
    result = await nb.Measurement(nb.Tcp(), duration_s=0.3, until=until).run(fleet, PAIR)
    assert "imprecise" in rules(result)


async def test_a_run_that_was_stopped_is_named(fleet: nb.WorkerFleet) -> None:
    """What was measured until then is there."""
    run = await nb.Measurement(nb.Udp(), duration_s=30).start(fleet, PAIR)
    await running(run)
    await anyio.sleep(0.3)
    await run.stop()
    result = await run.gather()
    assert (bool(result.received), "stopped" in rules(result)) == (True, True)
