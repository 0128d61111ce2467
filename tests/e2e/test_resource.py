"""The custom resource is shared with ClusterLoader2: it is replaced when nobody uses it, and never else."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import netbench as nb
from netbench.backends.kubernetes.crd import CRD_PATH, custom_resource_definition
from netbench.backends.kubernetes.rights import CONTROLLER_RULES
from netbench.kube.names import CRD_NAME

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


def others() -> dict[str, Any]:
    """Give a definition as ClusterLoader2 has it: without a status subresource, and without what is netbench's."""
    definition = copy.deepcopy(custom_resource_definition())
    del definition["metadata"]["annotations"], definition["metadata"]["labels"]
    version = definition["spec"]["versions"][0]
    del version["subresources"], version["additionalPrinterColumns"]
    del version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["pairs"]
    return definition


async def replace(kubernetes: Kubernetes, definition: dict[str, Any] | None) -> None:
    """Have this definition there, or none."""
    await kubernetes.api.delete(f"{CRD_PATH}/{CRD_NAME}")
    with anyio.fail_after(30):
        while await kubernetes.api.get(f"{CRD_PATH}/{CRD_NAME}") is not None:
            await anyio.sleep(0.1)
    if definition is not None:
        await kubernetes.api.create(CRD_PATH, definition)
        with anyio.fail_after(30):
            while not await kubernetes.api.get("/apis/clusterloader.io/v1alpha1"):
                await anyio.sleep(0.1)


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
