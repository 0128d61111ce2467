"""What cannot be is refused within seconds of when the cluster knows it, and by name."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

import pytest

import netbench as nb
from netbench.backends.kubernetes.objects import BOOTSTRAP
from netbench.backends.kubernetes.rights import CONTROLLER_RULES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.kubernetes import Kubernetes

pytestmark = pytest.mark.anyio


async def refused(cluster: nb.Cluster, **options: Any) -> tuple[str, float]:
    """Open a fleet that cannot be, of two workers unless told, and give the error's words and the seconds it took."""
    if "per_node" not in options:
        options["workers"] = 2
    began = time.monotonic()
    with pytest.raises(nb.PlacementError) as caught:
        async with cluster, nb.WorkerFleet(cluster, **options):
            pytest.fail("the fleet came up")
    return str(caught.value), time.monotonic() - began


async def test_an_image_that_cannot_be_pulled_is_named(cluster: nb.Cluster) -> None:
    """With the words of the container runtime."""
    words, _ = await refused(cluster, image="localhost/no/such:image")
    assert "localhost/no/such:image" in words
    assert "ImagePull" in words


async def test_a_selector_that_no_node_matches_is_told_in_the_schedulers_words(cluster: nb.Cluster) -> None:
    """Within seconds, not at the deadline."""
    words, took_s = await refused(cluster, node_selector={"no": "such-label"})
    assert "Unschedulable" in words
    assert "didn't match" in words
    assert took_s < 20


async def test_more_processors_than_there_are_is_told_in_the_schedulers_words(cluster: nb.Cluster) -> None:
    """Naming what is short."""
    words, _ = await refused(cluster, resources={"cpu": "900"})
    assert "Insufficient cpu" in words


async def test_a_node_without_the_labels_asked_for_says_so_itself(cluster: nb.Cluster) -> None:
    """No scheduler is asked where each node has its number; the kubelet looks."""
    words, took_s = await refused(cluster, per_node=1, node_selector={"no": "such-label"})
    assert "NodeAffinity" in words
    assert took_s < 20


async def test_a_node_without_the_processors_asked_for_says_so_itself(cluster: nb.Cluster) -> None:
    """With what it has."""
    words, _ = await refused(cluster, per_node=1, resources={"cpu": "900"})
    assert "OutOfcpu" in words
    assert "requested: 900000" in words


async def test_a_quota_of_no_pods_is_named(cluster: nb.Cluster, kubernetes: Kubernetes) -> None:
    """No pod is ever there to look at."""
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    await kubernetes.api.create(kubernetes.path("v1", "resourcequotas"), quota)
    words, took_s = await refused(cluster)
    assert "exceeded quota: none" in words
    assert took_s < 30


async def test_a_pod_that_the_namespaces_level_forbids_is_told_in_its_words(cluster: nb.Cluster) -> None:
    """The restricted level, enforced by label, does not take the host's network."""
    words, _ = await refused(cluster, host_network=True)
    assert "restricted" in words
    assert "hostNetwork" in words


async def test_a_crashing_command_is_shown_with_its_last_words(cluster: nb.Cluster) -> None:
    """Its exit code and its log."""
    crash = ["python3", "-c", "print('one two three'); raise SystemExit(7)"]
    patch = {"spec": {"containers": [{"name": "worker", "command": crash, "args": None}]}}
    words, took_s = await refused(cluster, pod_patch=patch)
    assert "exit code 7" in words
    assert "one two three" in words
    assert took_s < 30


async def test_a_worker_whose_code_was_changed_does_not_run_it(cluster: nb.Cluster) -> None:
    """The pod compares the code's hash with the one that it was made with."""
    words = ["python3", "-c", BOOTSTRAP, "/var/run/netbench/worker.zip", "0" * 64]
    patch = {"spec": {"containers": [{"name": "worker", "command": words}]}}
    said, _ = await refused(cluster, pod_patch=patch)
    assert "it is not run" in said


def rules_without(resource: str) -> list[dict[str, Any]]:
    """Give all that a controller may do, but for one resource."""
    rules = copy.deepcopy(CONTROLLER_RULES)
    for rule in rules:
        rule["resources"] = [each for each in rule["resources"] if each != resource]
    return [rule for rule in rules if rule["resources"]]


RESOURCES = [each for rule in CONTROLLER_RULES for each in rule["resources"] if each != "pods/log"]


@pytest.mark.parametrize("resource", RESOURCES)
async def test_a_missing_right_is_named(
    resource: str, kubernetes: Kubernetes, cluster: nb.Cluster, tmp_path: Path
) -> None:
    """With verb, resource and namespace; each right in turn."""
    async with cluster:
        pass  # The custom resource is there; the account may not make it.
    path = await kubernetes.account(tmp_path, rules_without(resource))
    poor = nb.Cluster.connect(kubeconfig=path, namespace=kubernetes.namespace)
    with pytest.raises(nb.AccessDeniedError) as caught:
        async with poor, nb.WorkerFleet(poor, workers=2) as fleet:
            await nb.Measurement(nb.Tcp(), duration_s=1).run(fleet, nb.CrossNode())
    words = str(caught.value)
    assert kubernetes.namespace in words
    assert resource.partition("/")[0] in words


async def test_an_account_with_the_printed_rights_alone_runs_everything(
    kubernetes: Kubernetes, cluster: nb.Cluster, tmp_path: Path
) -> None:
    """No right on the cluster: neither on nodes nor on namespaces nor on the custom resource's definition."""
    async with cluster:
        pass  # The custom resource is there; the account may not make it.
    path = await kubernetes.account(tmp_path, CONTROLLER_RULES)
    poor = nb.Cluster.connect(kubeconfig=path, namespace=kubernetes.namespace)
    async with poor, nb.WorkerFleet(poor, workers=2) as fleet:
        result = await nb.Measurement(nb.Tcp(), duration_s=1).run(fleet, nb.CrossNode())
    assert result.complete


async def test_what_is_not_ready_in_time_is_listed_with_the_reason(cluster: nb.Cluster) -> None:
    """Here a container that runs, and never says hello."""
    patch = {"spec": {"containers": [{"name": "worker", "command": ["sleep", "600"], "args": None}]}}
    words, _ = await refused(cluster, pod_patch=patch, ready_timeout_s=6)
    assert "0 of 2 workers are ready" in words
    assert words.count("has not said hello") == 2
