"""The custom resource is shared with ClusterLoader2: it is replaced when nobody uses it, and never else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import netbench as nb
from netbench.backends.kubernetes.rights import CONTROLLER_RULES
from tests.e2e.definition import others, replace

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.kubernetes import Kubernetes

# The definition is the whole cluster's, and only the lab's cluster is the tests' alone.
pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("lab_only")]

#: As ClusterLoader2's worker writes it.
OBJECT = {
    "apiVersion": "clusterloader.io/v1alpha1",
    "kind": "NetworkTestRequest",
    "metadata": {"name": "worker-1"},
    "spec": {
        "clientPodName": "a",
        "serverPodName": "b",
        "serverPodIP": "198.19.1.1",
        "protocol": "TCP",
        "duration": 10,
        "clientStartTimestamp": 1764000000,
        "numberOfClients": 1,
    },
}


async def put_object(kubernetes: Kubernetes) -> str:
    """Create one of ClusterLoader2's objects, and give its path."""
    path = kubernetes.path("clusterloader.io/v1alpha1", "networktestrequests")
    await kubernetes.api.create(path, OBJECT)
    return f"{path}/worker-1"


async def test_a_definition_that_is_in_use_is_left_as_it_is(kubernetes: Kubernetes, cluster: nb.Cluster) -> None:
    """The error names what uses it; when that is gone, the definition is replaced and all works."""
    await replace(kubernetes, others())
    path = await put_object(kubernetes)
    with pytest.raises(nb.BackendError, match=f"{kubernetes.namespace}/worker-1 uses it"):
        async with cluster:
            pytest.fail("the definition was replaced")
    await kubernetes.api.delete(path)
    again = nb.Cluster.connect(kubeconfig=kubernetes.kubeconfig, namespace=kubernetes.namespace)
    async with again, nb.WorkerFleet(again, workers=2) as fleet:
        assert (await nb.Measurement(nb.Udp(), duration_s=1).run(fleet, nb.CrossNode())).complete


async def test_objects_of_clusterloader2_fit_the_definition(kubernetes: Kubernetes, cluster: nb.Cluster) -> None:
    """Whole, with nothing left out."""
    async with cluster:
        path = await put_object(kubernetes)
        kept = await kubernetes.api.call("GET", path)
        await kubernetes.api.delete(path)
    assert kept["spec"] == OBJECT["spec"]


async def test_what_is_made_is_answered_with_no_more_than_its_metadata(
    kubernetes: Kubernetes, cluster: nb.Cluster
) -> None:
    """The API server need not write down what its maker knows, a megabyte of code, say."""
    async with cluster:
        path = kubernetes.path("clusterloader.io/v1alpha1", "networktestrequests")
        made = await kubernetes.api.create(path, OBJECT)
        await kubernetes.api.delete_all(path)
        left = await kubernetes.api.get(f"{path}/worker-1")
    assert (set(made), made["metadata"]["name"], left) == ({"apiVersion", "kind", "metadata"}, "worker-1", None)


async def test_without_the_definition_an_account_without_the_right_hears_the_administrators_command(
    kubernetes: Kubernetes, tmp_path: Path
) -> None:
    """And nothing was made."""
    await replace(kubernetes, None)
    path = await kubernetes.account(tmp_path, CONTROLLER_RULES)
    poor = nb.Cluster.connect(kubeconfig=path, namespace=kubernetes.namespace)
    with pytest.raises(nb.BackendError, match=r"netbench manifests --only crd \| kubectl apply -f -"):
        async with poor:
            pytest.fail("it was opened")
