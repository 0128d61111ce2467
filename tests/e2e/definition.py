"""The custom resource's definition, which the whole cluster shares: ours, ClusterLoader2's, or none."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import anyio

from netbench.backends.kubernetes.crd import CRD_PATH, custom_resource_definition
from netbench.kube.names import CRD_NAME

if TYPE_CHECKING:
    from tests.e2e.kubernetes import Kubernetes

__all__ = ("others", "replace")


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
