"""Controllers that die: their workers end, and the next cluster, or cleanup, removes the rest."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import anyio
import pytest

import netbench as nb
from netbench.backends.local import leftovers
from tests.support.lab import machine_state

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio

CONTROLLER = """
import anyio, sys
import netbench as nb

async def main():
    async with nb.Cluster.local(nodes=2, isolation=sys.argv[1]) as cluster:
        async with nb.WorkerFleet(cluster, workers=4) as fleet:
            run = await nb.Measurement(nb.Tcp(rate_bps=1e6), duration_s=60).start(fleet, nb.CrossNode())
            async for event in run.events():
                if isinstance(event, nb.RoundFired):
                    print("fired", flush=True)

anyio.run(main)
"""


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens in other processes."""
    with anyio.fail_after(20):
        while not condition():  # noqa: ASYNC110 - other processes set no events here
            await anyio.sleep(0.05)


def kill_a_controller(isolation: str) -> None:
    """Start a controller with four workers, and kill it in the middle of its measurement."""
    command = [sys.executable, "-c", CONTROLLER, isolation]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as controller:
        assert controller.stdout is not None
        assert controller.stdout.readline() == "fired\n"
        controller.send_signal(signal.SIGKILL)


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("isolation", ["process", "netns"])
async def test_workers_end_when_their_controller_is_killed(isolation: str) -> None:
    """By themselves, and cleanup finds what else there was."""
    kill_a_controller(isolation)
    await until(lambda: not machine_state()["processes"])
    assert len(await leftovers.remove()) == 1


@pytest.mark.usefixtures("namespaces")
async def test_the_next_cluster_removes_what_a_killed_controller_left() -> None:
    """Its namespaces are gone once another cluster is open."""
    others = set(machine_state()["namespaces"])
    kill_a_controller("netns")
    left = set(machine_state()["namespaces"]) - others
    async with nb.Cluster.local(nodes=1, isolation="process"):
        after = set(machine_state()["namespaces"]) - others
    assert (len(left), after) == (3, set())


async def test_a_live_controllers_things_are_left_alone() -> None:
    """Cleanup while a fleet is open does nothing to it."""
    async with nb.Cluster.local(nodes=2, isolation="process") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        removed = await leftovers.remove()
        result = await nb.Measurement(nb.Tcp(), duration_s=0.2).run(fleet, nb.CrossNode())
    assert (removed, result.complete) == ([], True)


@pytest.mark.usefixtures("namespaces")
async def test_two_clusters_at_once_do_not_disturb_each_other() -> None:
    """Each has namespaces and addresses of its own."""
    async with (
        nb.Cluster.local(nodes=2, isolation="netns") as one,
        nb.Cluster.local(nodes=2, isolation="netns") as other,
        nb.WorkerFleet(one, workers=2) as ones,
        nb.WorkerFleet(other, workers=2) as others,
    ):
        first = await nb.Measurement(nb.Udp(), duration_s=0.3).start(ones, nb.CrossNode())
        second = await nb.Measurement(nb.Udp(), duration_s=0.3).start(others, nb.CrossNode())
        complete = [(await first.gather()).complete, (await second.gather()).complete]
    assert complete == [True, True]


@pytest.mark.usefixtures("namespaces")
async def test_opening_that_is_cancelled_leaves_nothing() -> None:
    """Whatever was made by then is removed; the fixture compares."""
    for delay_s in (0.01, 0.05, 0.1, 0.3, 0.6):
        with anyio.move_on_after(delay_s):
            async with nb.Cluster.local(nodes=3, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=3):
                await anyio.sleep_forever()
