"""Workers that are controlled through another one, as in a large fleet, in real pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import netbench as nb
from netbench.backends.kubernetes import groups
from tests.e2e.test_faults import reached

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.e2e.kubernetes import Kubernetes

pytestmark = pytest.mark.anyio


@pytest.fixture
async def fleet(cluster: nb.Cluster, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[nb.WorkerFleet]:
    """Give a fleet of two groups of two workers."""
    monkeypatch.setattr(groups, "_GROUP_MAX", 2)
    async with cluster, nb.WorkerFleet(cluster, workers=4) as fleet:
        yield fleet


async def log(kubernetes: Kubernetes, pod: str) -> str:
    """Give what a pod has printed."""
    path = f"{kubernetes.path('v1', 'pods')}/{pod}/log"
    reply = await kubernetes.api.transport.send("GET", path, body=None, content_type="application/json", timeout_s=20)
    assert reply.status == 200
    return reply.body.decode()


async def test_a_measurement_through_relays_is_complete(fleet: nb.WorkerFleet, kubernetes: Kubernetes) -> None:
    """In both directions, and no worker had to go to the API server by itself."""
    names = [worker.name for worker in fleet.workers]
    pairing = nb.ExplicitPairs(rounds=[[names[0:2], names[2:4]], [names[1::-1], names[:1:-1]]])
    result = await nb.Measurement(nb.Udp(rate_pps=100), duration_s=2).run(fleet, pairing)
    result.raise_if_incomplete()
    assert (result.rounds, len(result.pairs)) == (2, 4)
    assert [await log(kubernetes, name) for name in names] == [""] * 4


@pytest.mark.parametrize("in_run", [False, True], ids=["before", "in-the-run"])
async def test_a_worker_whose_relay_is_deleted_goes_on(
    fleet: nb.WorkerFleet,
    kubernetes: Kubernetes,
    in_run: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Its pair is complete, whether the relay went before or while it sent."""
    names = [worker.name for worker in fleet.workers]
    relay = f"{kubernetes.path('v1', 'pods')}/{names[2]}"
    if not in_run:
        await kubernetes.api.delete(relay)
    measurement = nb.Measurement(nb.Udp(rate_pps=100), duration_s=4)
    run = await measurement.start(fleet, nb.ExplicitPairs(pairs=[(names[3], names[1])]))
    if in_run:
        await reached(run, nb.Phase.RUNNING)
        await kubernetes.api.delete(relay)
    result = await run.gather()
    result.raise_if_incomplete()
    assert "its relay" in await log(kubernetes, names[3])
