"""Which cluster, and as whom."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from netbench.backends.kubernetes.credentials import find_access
from netbench.errors import BackendError, InvalidArgumentError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time: a plug-in is a process."""
    return "asyncio"


def kubeconfig(path: Path, user: dict[str, Any], name: str = "staging") -> str:
    """Write a kubeconfig with one context."""
    value = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "https://198.18.0.1:6443"}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u", "namespace": "team"}}],
        "current-context": name,
    }
    path.write_text(json.dumps(value))
    return str(path)


def plugin(directory: Path, lasts: timedelta) -> tuple[dict[str, Any], Path]:
    """Write a credential plug-in that counts its calls, and give the user that has it."""
    counter = directory / "calls"
    expires = (datetime.now(UTC) + lasts).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "secret", "expirationTimestamp": expires},
    }
    script = directory / "plugin"
    script.write_text(f"#!/bin/sh\necho call >> {counter}\necho '{json.dumps(answer)}'\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": answer["apiVersion"], "command": str(script)}}, counter


async def calls_after_three_requests(path: str, counter: Path) -> int:
    """Ask for the credentials as three requests would, and count the plug-in's calls."""
    access = await find_access(path, None)
    for _ in range(3):
        assert await access.configuration.get_api_key_with_prefix("BearerToken") == "Bearer secret"
    return (await anyio.Path(counter).read_text()).count("call")


async def test_a_plugins_token_is_kept_while_it_is_good(tmp_path: Path) -> None:
    """It runs once."""
    user, counter = plugin(tmp_path, timedelta(hours=1))
    assert await calls_after_three_requests(kubeconfig(tmp_path / "config", user), counter) == 1


async def test_a_plugins_token_that_has_expired_is_asked_for_anew(tmp_path: Path) -> None:
    """Before each request that needs it."""
    user, counter = plugin(tmp_path, timedelta(seconds=-1))
    assert await calls_after_three_requests(kubeconfig(tmp_path / "config", user), counter) == 4


async def test_the_contexts_namespace_is_found(tmp_path: Path) -> None:
    """And its name."""
    access = await find_access(kubeconfig(tmp_path / "config", {"token": "t"}), None)
    assert (access.context, access.namespace) == ("staging", "team")


async def test_a_context_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    """Before anything is tried."""
    path = kubeconfig(tmp_path / "config", {"token": "t"})
    with pytest.raises(InvalidArgumentError, match="'staging'"):
        await find_access(path, "production")


async def test_a_kubeconfig_that_is_not_there_is_refused() -> None:
    """With its path."""
    with pytest.raises(InvalidArgumentError, match="/no/such/file"):
        await find_access("/no/such/file", None)


async def test_a_kubeconfig_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    """With what is wrong."""
    path = tmp_path / "config"
    path.write_text("contexts: [")
    with pytest.raises(BackendError, match="cannot be read"):
        await find_access(str(path), None)


async def test_a_plugin_that_fails_is_named(tmp_path: Path) -> None:
    """With its context."""
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/no/such/plugin"}}
    with pytest.raises(BackendError, match="staging"):
        await find_access(kubeconfig(tmp_path / "config", user), None)
