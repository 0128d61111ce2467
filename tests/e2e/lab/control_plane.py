"""etcd, API server, controllers and scheduler, in the host's network namespace."""

from __future__ import annotations

import json
import ssl
import urllib.request
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import anyio.to_thread

from tests.e2e.lab.certificates import ADMIN_KUBECONFIG, PKI
from tests.e2e.lab.layout import API_ADDRESS, API_PORT, ETCD_PEER_PORT, ETCD_PORT, RUN, SERVICE_RANGE
from tests.e2e.lab.processes import running, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

__all__ = ("api_get", "control_plane")


#: Their defaults let twenty pods each second come, and the tests have thousands of them.
_HASTE = ("--kube-api-qps=200", "--kube-api-burst=400")


@asynccontextmanager
async def control_plane(kube: Path) -> AsyncIterator[None]:
    """Run it, and wait until the API server is ready."""
    async with AsyncExitStack() as stack:
        for name, command in _commands(str(kube)):
            await stack.enter_async_context(running(name, command))
            if name == "kube-apiserver":
                await until("the API server is not ready", _ready)
        yield


def _commands(kube: str) -> list[tuple[str, list[str]]]:
    etcd = f"http://127.0.0.1:{ETCD_PORT}"
    return [
        (
            "etcd",
            [
                kube,
                "etcd",
                f"--data-dir={RUN / 'etcd'}",
                f"--listen-client-urls={etcd}",
                f"--advertise-client-urls={etcd}",
                f"--listen-peer-urls=http://127.0.0.1:{ETCD_PEER_PORT}",
                f"--initial-advertise-peer-urls=http://127.0.0.1:{ETCD_PEER_PORT}",
                f"--initial-cluster=default=http://127.0.0.1:{ETCD_PEER_PORT}",
                # Nothing here outlives the machine.
                "--unsafe-no-fsync",
            ],
        ),
        (
            "kube-apiserver",
            [
                kube,
                "kube-apiserver",
                f"--etcd-servers={etcd}",
                f"--secure-port={API_PORT}",
                f"--bind-address={API_ADDRESS}",
                f"--advertise-address={API_ADDRESS}",
                f"--tls-cert-file={PKI / 'api.crt'}",
                f"--tls-private-key-file={PKI / 'api.key'}",
                f"--client-ca-file={PKI / 'ca.crt'}",
                f"--token-auth-file={PKI / 'tokens.csv'}",
                f"--service-account-key-file={PKI / 'accounts.key'}",
                f"--service-account-signing-key-file={PKI / 'accounts.key'}",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-cluster-ip-range={SERVICE_RANGE}",
                "--authorization-mode=Node,RBAC",
                f"--kubelet-client-certificate={PKI / 'kubelet-client.crt'}",
                f"--kubelet-client-key={PKI / 'kubelet-client.key'}",
                "--kubelet-preferred-address-types=InternalIP",
                "--allow-privileged=true",
            ],
        ),
        (
            "kube-controller-manager",
            [
                kube,
                "kube-controller-manager",
                f"--kubeconfig={RUN / 'controllers.kubeconfig'}",
                "--allocate-node-cidrs=false",
                f"--service-account-private-key-file={PKI / 'accounts.key'}",
                f"--root-ca-file={PKI / 'ca.crt'}",
                "--use-service-account-credentials=true",
                "--leader-elect=false",
                *_HASTE,
            ],
        ),
        (
            "kube-scheduler",
            [kube, "kube-scheduler", f"--kubeconfig={RUN / 'scheduler.kubeconfig'}", "--leader-elect=false", *_HASTE],
        ),
    ]


async def _ready() -> bool:
    return await api_get("/readyz") == b"ok"


async def api_get(path: str) -> bytes | None:
    """Get a path of the API server as the administrator; None where there is no success."""
    return await anyio.to_thread.run_sync(_get, path)


def _get(path: str) -> bytes | None:
    token = json.loads(ADMIN_KUBECONFIG.read_text())["users"][0]["user"]["token"]
    context = ssl.create_default_context(cafile=str(PKI / "ca.crt"))
    # The authority is one without a key usage, as many clusters have, which Python 3.13 refuses by default.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    request = urllib.request.Request(
        f"https://{API_ADDRESS}:{API_PORT}{path}", headers={"Authorization": f"Bearer {token}"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=5) as reply:
            content: bytes = reply.read()
            return content
    except OSError:
        return None
