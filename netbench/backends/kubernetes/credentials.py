"""Which cluster, and as whom: from a kubeconfig, or from the account of the pod that this runs in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import attrs
import yaml
from kubernetes_asyncio import config
from kubernetes_asyncio.client import Configuration

from netbench.errors import BackendError, InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ("Access", "find_access")

_EXEC_TIMEOUT_S = 60.0
_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_DEFAULT_PATH = "~/.kube/config"


@attrs.frozen(kw_only=True)
class Access:
    """How to reach a cluster.

    Attributes:
        configuration: kubernetes_asyncio's, credentials included.
        context: The kubeconfig's context; ``in-cluster`` inside of a pod.
        namespace: The namespace that the context or the pod has, None where it has none.
        arguments: What a command line needs to reach the same cluster.
    """

    configuration: Configuration = attrs.field(repr=False)
    context: str
    namespace: str | None
    arguments: str


async def find_access(kubeconfig: str | os.PathLike[str] | None, context: str | None) -> Access:
    """Find the credentials: a kubeconfig that is named, ``KUBECONFIG``, ``~/.kube/config``, or the pod's own account.

    Raises:
        InvalidArgumentError: The kubeconfig or the context is not there.
        BackendError: The credentials cannot be had.
    """
    paths = os.fspath(kubeconfig) if kubeconfig is not None else os.environ.get("KUBECONFIG", _DEFAULT_PATH)
    existing = _existing(paths)
    if kubeconfig is None and context is None and not existing and os.environ.get("KUBERNETES_SERVICE_HOST"):
        return _in_cluster()
    if not existing:
        expected = "the path of a kubeconfig file that exists (or set KUBECONFIG, or run inside of a pod)"
        raise InvalidArgumentError("Cluster.connect(kubeconfig=)", paths, expected)
    return await _from_file(os.pathsep.join(existing), context, named=kubeconfig is not None)


def _existing(paths: str) -> list[str]:
    return [path for path in paths.split(os.pathsep) if path and Path(path).expanduser().is_file()]


async def _from_file(paths: str, context: str | None, *, named: bool) -> Access:
    configuration = _fresh()
    contexts, users, current = _read(paths)
    chosen = context or current
    if chosen not in contexts:
        expected = f"one of the contexts of {paths}: {', '.join(map(repr, contexts)) or 'it has none'}"
        raise InvalidArgumentError("Cluster.connect(context=)", chosen, expected)
    try:
        with anyio.fail_after(_EXEC_TIMEOUT_S):
            loader = await config.load_kube_config(
                config_file=paths, context=chosen, client_configuration=configuration, persist_config=False
            )
    except TimeoutError as error:
        msg = f"the credential plug-in of context {chosen} gave nothing within {_EXEC_TIMEOUT_S:g} s"
        raise BackendError(msg) from error
    except Exception as error:
        msg = f"context {chosen} of {paths} gives no credentials: {error}"
        raise BackendError(msg) from error
    if "exec" in users.get(contexts[chosen].get("user"), {}):
        configuration.refresh_api_key_hook = _refreshing(loader)
    arguments = f"--context {chosen}" + (f" --kubeconfig {paths}" if named else "")
    return Access(
        configuration=configuration,
        context=chosen,
        namespace=contexts[chosen].get("namespace") or None,
        arguments=arguments,
    )


def _read(paths: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Give the contexts, the users and the current context of these files; what comes first wins, as for kubectl."""
    contexts: dict[str, Any] = {}
    users: dict[str, Any] = {}
    current = ""
    for path in paths.split(os.pathsep):
        try:
            value: dict[str, Any] = yaml.safe_load(Path(path).expanduser().read_text()) or {}
            for each in value.get("contexts") or ():
                contexts.setdefault(each["name"], each.get("context") or {})
            for each in value.get("users") or ():
                users.setdefault(each["name"], each.get("user") or {})
            current = current or str(value.get("current-context") or "")
        except (OSError, yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
            msg = f"the kubeconfig {path} cannot be read: {error}"
            raise BackendError(msg) from error
    return contexts, users, current


def _refreshing(loader: Any) -> Callable[[Configuration], Awaitable[None]]:  # noqa: ANN401 - not typed there
    """Have an exec plug-in's token renewed when it is about to expire; the loader knows when."""
    lock = anyio.Lock()

    async def refresh(configuration: Configuration) -> None:
        async with lock:
            with anyio.move_on_after(_EXEC_TIMEOUT_S):
                await loader.load_from_exec_plugin()
        if getattr(loader, "token", None):
            configuration.api_key["BearerToken"] = loader.token

    return refresh


def _in_cluster() -> Access:
    configuration = _fresh()
    try:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call] # it has none
        namespace = _ACCOUNT_NAMESPACE.read_text().strip()
    except Exception as error:
        msg = f"this pod's service account cannot be used: {error}"
        raise BackendError(msg) from error
    return Access(configuration=configuration, context="in-cluster", namespace=namespace, arguments="")


def _fresh() -> Configuration:
    # Not the process-wide default, which another library may have set.
    made: Configuration = type.__call__(Configuration)
    # Python 3.13's default refuses authorities without a key usage, which clusters of every age have.
    made.disable_strict_ssl_verification = True
    return made
