"""Removing the fleets of a Kubernetes cluster whose controllers are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from netbench.backends.kubernetes.backend import ConnectSpec, open_api
from netbench.backends.kubernetes.removal import (
    dead_fleets,
    removal_timeout_s,
    remove_dead_namespaces,
    remove_fleet,
)
from netbench.backends.kubernetes.rights import explained
from netbench.errors import AccessDeniedError, CleanupError

if TYPE_CHECKING:
    import os

__all__ = ("clean",)


async def clean(kubeconfig: str | os.PathLike[str] | None, context: str | None, namespace: str | None) -> list[str]:
    """Remove fleets whose controller's Lease has expired, and never a live one; say what was removed.

    Without a namespace all are looked through, where that is allowed, and the context's own otherwise.

    Raises:
        CleanupError: Something could not be removed in time.
        BackendError: The cluster refuses or is away.
    """
    async with open_api(ConnectSpec(kubeconfig=kubeconfig, context=context, namespace=namespace)) as (api, access):
        removed: list[str] = []
        try:
            try:
                found = await dead_fleets(api, namespace)
            except AccessDeniedError:
                if namespace is not None or access.namespace is None:
                    raise
                found = await dead_fleets(api, access.namespace)
            for dead in found:
                timeout_s = removal_timeout_s(dead.workers)
                with anyio.move_on_after(timeout_s):
                    await remove_fleet(api, dead.names)
                    removed.append(str(dead))
                    continue
                msg = f"{dead} was not removed within {timeout_s:g} s: kubectl get all -A -l {dead.names.selector}"
                raise CleanupError(msg)
            if namespace is None:
                removed += [f"namespace {name}" for name in await remove_dead_namespaces(api)]
        except AccessDeniedError as error:
            raise explained(error, access.context, str(access.configuration.host)) from error
        return removed
