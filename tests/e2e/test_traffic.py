"""Real traffic between real pods: every driver and traffic, on nodes that differ and on the same."""

from __future__ import annotations

import ast
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import netbench as nb
from tests.e2e.kubernetes import FULL_IMAGE

if TYPE_CHECKING:
    from netbench.messages import DriverName
    from tests.e2e.kubernetes import Kubernetes

pytestmark = pytest.mark.anyio


async def run(
    cluster: nb.Cluster,
    traffic: nb.Traffic,
    pairing: nb.PairingStrategy,
    *,
    driver: DriverName = "native",
    image: str | None = None,
) -> nb.Result:
    """Measure for two seconds with four workers, and print what a failure would be asked about."""
    async with cluster, nb.WorkerFleet(cluster, workers=4, image=image) as fleet:
        result = await nb.Measurement(traffic, duration_s=2, driver=driver).run(fleet, pairing)
    result.raise_if_incomplete()
    for pair in result.pairs:
        late_us, bound_us = pair.start_lateness_s * 1e6, pair.clock_bound_s * 1e6
        print(f"{pair.pair}: start late by {late_us:.1f} us, clocks +- {bound_us:.1f} us, refused {pair.send_errors}")
        print([(series.ends_ns[-3:], series.amounts[-3:]) for series in pair.receiver_series if series.ends_ns])
    print(*result.verdict.doubts, sep="\n")
    return result


def parsed(text: str) -> dict[str, Any]:
    """Read a program's JSON, which the client of the exec call may have turned into Python's words."""
    value: dict[str, Any] = ast.literal_eval(text) if text.startswith("{'") else json.loads(text)
    return value


@pytest.mark.parametrize(
    "pairing", [nb.CrossNode(), nb.SameNode(), nb.ManyToOne(), nb.OneToMany(), nb.NodeMatrix()], ids=repr
)
async def test_tcp_with_the_stock_image_carries_traffic(cluster: nb.Cluster, pairing: nb.PairingStrategy) -> None:
    """Each pairing is complete and its numbers are those of a link inside of one machine."""
    result = await run(cluster, nb.Tcp(), pairing)
    assert result.total_throughput_bps is not None
    assert 0.2e9 < result.total_throughput_bps < 400e9


async def test_udp_with_the_stock_image_loses_next_to_nothing(cluster: nb.Cluster) -> None:
    """At a rate that both can do, what is sent arrives."""
    result = await run(cluster, nb.Udp(rate_pps=2000), nb.CrossNode())
    for pair in result.pairs:
        assert pair.sent_pps == pytest.approx(2000, rel=0.02)
        assert pair.loss_ratio is not None
        assert pair.loss_ratio < 0.02


async def test_http_with_the_stock_image_answers_every_request(cluster: nb.Cluster) -> None:
    """An open loop of a moderate rate is kept."""
    result = await run(cluster, nb.Http(rate_rps=500), nb.CrossNode())
    assert result.total_requests_per_s == pytest.approx(1000, rel=0.05)


@pytest.mark.parametrize("driver", ["iperf2", "iperf3"])
@pytest.mark.parametrize("traffic", [nb.Tcp(rate_bps=100e6), nb.Udp(rate_bps=100e6)], ids=["tcp", "udp"])
async def test_the_iperf_drivers_run_in_the_full_image(
    cluster: nb.Cluster, driver: DriverName, traffic: nb.Traffic
) -> None:
    """The rate that was asked for is what the real programs carry."""
    result = await run(cluster, traffic, nb.CrossNode(), driver=driver, image=FULL_IMAGE)
    assert result.total_throughput_bps == pytest.approx(200e6, rel=0.1)


async def test_a_driver_that_the_image_lacks_is_refused_before_the_start(cluster: nb.Cluster) -> None:
    """The error names the workers."""
    async with cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        with pytest.raises(nb.MissingProgramError, match=fleet.workers[0].name):
            await nb.Measurement(nb.Tcp(), driver="iperf3").start(fleet, nb.CrossNode())


async def test_a_result_agrees_with_the_program_run_by_hand_in_the_same_pods(
    cluster: nb.Cluster, kubernetes: Kubernetes
) -> None:
    """Once through netbench and once by hand, at a rate that the machine's other work does not disturb."""
    async with cluster, nb.WorkerFleet(cluster, workers=2, image=FULL_IMAGE) as fleet:
        measurement = nb.Measurement(nb.Tcp(rate_bps=200e6), duration_s=3)
        native = await measurement.run(fleet, nb.CrossNode())
        client, server = native.pairs[0].pair.client, native.pairs[0].pair.server
        by_hand: list[str] = []
        async with anyio.create_task_group() as group:
            group.start_soon(partial(kubernetes.execute, server.name, ["iperf3", "-s", "-1", "-p", "5999"]))
            await anyio.sleep(1)
            words = ["iperf3", "-c", server.address, "-p", "5999", "-b", "200M", "-t", "3", "-J"]
            by_hand.append(await kubernetes.execute(client.name, words))
    figure = parsed(by_hand[0])["end"]["sum_received"]["bits_per_second"]
    assert native.total_throughput_bps == pytest.approx(figure, rel=0.05)


async def test_the_same_script_runs_on_both_kinds_of_cluster(kubernetes: Kubernetes) -> None:
    """One line differs."""

    async def script(cluster: nb.Cluster) -> nb.Result:
        async with cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
            return await nb.Measurement(nb.Tcp(), duration_s=1).run(fleet, nb.CrossNode())

    local = await script(nb.Cluster.local(nodes=2))
    pods = await script(nb.Cluster.connect(kubeconfig=kubernetes.kubeconfig, namespace=kubernetes.namespace))
    assert (local.complete, pods.complete) == (True, True)


async def test_two_fleets_in_one_namespace_leave_each_other_alone(kubernetes: Kubernetes) -> None:
    """The one that ends first takes nothing of the other with it."""
    first, second = (
        nb.Cluster.connect(kubeconfig=kubernetes.kubeconfig, namespace=kubernetes.namespace) for _ in range(2)
    )
    async with first, nb.WorkerFleet(first, workers=2) as stays:
        run = await nb.Measurement(nb.Udp(), duration_s=12).start(stays, nb.CrossNode())
        async with second, nb.WorkerFleet(second, workers=2) as goes:
            other = await nb.Measurement(nb.Udp(), duration_s=1).run(goes, nb.CrossNode())
        result = await run.gather()
        names = {worker.name for worker in stays.workers}
    assert (other.complete, result.complete) == (True, True)
    assert not names & {pair.pair.client.name for pair in other.pairs}


async def test_a_cpu_limit_is_named_instead_of_the_network(cluster: nb.Cluster) -> None:
    """With a fifth of a processor the sender is throttled, and the result says so."""
    resources = {"cpu": "200m", "memory": "256Mi"}
    async with cluster, nb.WorkerFleet(cluster, workers=2, resources=resources) as fleet:
        result = await nb.Measurement(nb.Tcp(), duration_s=3).run(fleet, nb.CrossNode())
    share = result.pairs[0].client_cpu.throttled_share
    assert share is not None
    assert share > 0.2
    assert "cpu-throttled" in {doubt.rule for doubt in result.verdict.doubts}
