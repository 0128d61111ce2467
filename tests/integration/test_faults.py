"""Workers that die or hang, networks that break: a named failure in time, and the other pairs' results."""

from __future__ import annotations

import signal
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

import netbench as nb
from tests.support.lab import drop, paused, send_signal

if TYPE_CHECKING:
    from netbench.topology import Worker

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("namespaces")]

KILL, STOP = signal.SIGKILL, signal.SIGSTOP
VICTIM, OTHER = ("worker-0", "worker-1"), ("worker-2", "worker-3")


def measurement(traffic: nb.Traffic, port: int | None = None) -> nb.Measurement:
    """Give a short measurement with short deadlines."""
    return nb.Measurement(traffic, duration_s=1, arm_timeout_s=2, gather_timeout_s=2, port=port)


async def measure_and(phase: nb.Phase, number: signal.Signals, victim: int, *, hold_server: bool) -> nb.Result:
    """Measure two pairs and send a signal to a worker of the first when that pair is in the phase.

    ``hold_server`` stops the first pair's server before, so that the pair cannot leave the phase by itself.
    """
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=4) as fleet:
        workers: dict[str, Worker] = {worker.name: worker for worker in fleet.workers}
        with ExitStack() as stack:
            if hold_server and phase is nb.Phase.ARMING:
                stack.enter_context(paused(workers[VICTIM[1]]))
            run = await measurement(nb.Udp(rate_pps=500)).start(fleet, nb.ExplicitPairs([VICTIM, OTHER]))
            async for event in run.events():
                if not isinstance(event, nb.PairProgressed) or event.pair.client.name != VICTIM[0]:
                    continue
                if hold_server and phase is nb.Phase.GATHERING and event.phase is nb.Phase.RUNNING:
                    stack.enter_context(paused(workers[VICTIM[1]]))
                if event.phase is phase:
                    send_signal(workers[VICTIM[victim]], number)
            result = await run.gather()
            if number is STOP:
                send_signal(workers[VICTIM[victim]], signal.SIGCONT)
        return result


@pytest.mark.parametrize("phase", [nb.Phase.ARMING, nb.Phase.RUNNING, nb.Phase.GATHERING], ids=str.lower)
@pytest.mark.parametrize("victim", [0, 1], ids=["client", "server"])
@pytest.mark.parametrize("number", [KILL, STOP], ids=["killed", "stopped"])
async def test_a_dead_or_hanging_worker_is_a_named_failure_and_the_other_pair_is_kept(
    phase: nb.Phase, number: signal.Signals, victim: int
) -> None:
    """Whoever it is, whenever it happens."""
    result = await measure_and(phase, number, victim, hold_server=phase is not nb.Phase.RUNNING)
    named = [(str(failure.pair), failure.failure.reason) for failure in result.failures]
    reason = "worker-lost" if number is KILL else "timeout"
    assert named == [("worker-0 -> worker-1", reason)]
    assert [str(pair.pair) for pair in result.pairs] == ["worker-2 -> worker-3"]


@pytest.mark.parametrize("victim", [0, 1], ids=["client", "server"])
async def test_a_worker_killed_in_mid_run_is_named_as_the_one_at_fault(victim: int) -> None:
    """The failure carries the worker that died, not the one that noticed."""
    result = await measure_and(nb.Phase.RUNNING, KILL, victim, hold_server=False)
    assert result.failures[0].failure.worker == VICTIM[victim]


@pytest.mark.parametrize("traffic", [nb.Tcp(), nb.Udp(), nb.Http()], ids=["tcp", "udp", "http"])
async def test_a_taken_port_is_named(traffic: nb.Traffic) -> None:
    """The server says which port is taken, and the pair fails while arming."""
    async with nb.Cluster.local(nodes=1, isolation="process") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        kind = socket.SOCK_DGRAM if isinstance(traffic, nb.Udp) else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind(("127.0.0.1", 0))
            if kind is socket.SOCK_STREAM:
                taken.listen()
            port = taken.getsockname()[1]
            result = await measurement(traffic, port=port).run(fleet, nb.SameNode())
    failure = result.failures[0].failure
    assert (failure.reason, failure.phase, str(port) in failure.message) == ("port-taken", nb.Phase.ARMING, True)


@pytest.mark.parametrize("traffic", [nb.Tcp(), nb.Http()], ids=["tcp", "http"])
async def test_a_link_cut_in_mid_run_fails_that_pair_alone(traffic: nb.Traffic) -> None:
    """A filter that drops everything to one server ends its pair by name; the other pair is complete."""
    async with nb.Cluster.local(nodes=4, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=4) as fleet:
        run = await measurement(traffic).start(fleet, nb.ExplicitPairs([VICTIM, OTHER]))
        with ExitStack() as stack:
            async for event in run.events():
                if isinstance(event, nb.RoundFired):
                    stack.enter_context(drop(fleet.workers[1], f"ip saddr {fleet.workers[0].address}"))
            result = await run.gather()
    assert [str(failure.pair) for failure in result.failures] == ["worker-0 -> worker-1"]
    assert [str(pair.pair) for pair in result.pairs] == ["worker-2 -> worker-3"]


async def test_a_program_that_is_missing_is_refused_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers without iperf3 on their path: an error before the start that says what to install."""
    monkeypatch.setenv("PATH", "/nonexistent")
    async with nb.Cluster.local(nodes=2, isolation="process") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        with pytest.raises(nb.MissingProgramError, match="apt-get install iperf3"):
            await nb.Measurement(nb.Tcp(), driver="iperf3").start(fleet, nb.CrossNode())


async def test_a_fleet_measures_again_after_a_failure() -> None:
    """Workers serve many requests in their life, failed ones too."""
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        strategy = nb.ExplicitPairs([VICTIM])
        with paused(fleet.workers[1]):
            broken = await measurement(nb.Tcp()).run(fleet, strategy)
        whole = await measurement(nb.Tcp()).run(fleet, strategy)
    assert (broken.complete, whole.complete) == (False, True)
