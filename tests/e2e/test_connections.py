"""What a worker's connections cost a real API server."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path

import httpx
import pytest
import yaml

from netbench.worker.control.kubernetes.resumption import resume_sessions

pytestmark = pytest.mark.anyio


async def test_later_connections_go_on_with_the_session_of_the_first(kubeconfig: str) -> None:
    """The server signs once, and not for each of a worker's connections."""
    cluster = yaml.safe_load(Path(kubeconfig).read_text())["clusters"][0]["cluster"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    # Python 3.13's default refuses the lab's authority, which has no key usage.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    resume_sessions(context)
    none_rests = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(verify=context, trust_env=False, limits=none_rests) as client:
        resumed = [await _is_resumed(client, cluster["server"]) for _ in range(3)]
    assert resumed == [False, True, True]


async def _is_resumed(client: httpx.AsyncClient, server: str) -> bool:
    async with client.stream("GET", f"{server}/healthz") as reply:
        await reply.aread()
        secured = reply.extensions["network_stream"].get_extra_info("ssl_object")
        return bool(secured.session_reused)
