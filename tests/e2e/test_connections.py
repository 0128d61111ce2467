"""What a worker's connections cost a real API server."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path

import httpcore
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
    async with httpcore.AsyncConnectionPool(context, max_keepalive_connections=0) as pool:
        resumed = [await _is_resumed(pool, cluster["server"]) for _ in range(3)]
    assert resumed == [False, True, True]


async def _is_resumed(pool: httpcore.AsyncConnectionPool, server: str) -> bool:
    async with pool.stream("GET", f"{server}/healthz") as reply:
        await reply.aread()
        secured = reply.extensions["network_stream"].get_extra_info("ssl_object")
        return bool(secured.session_reused)
