"""Keys, certificates, tokens and kubeconfigs of the lab."""

from __future__ import annotations

import base64
import json
import secrets
from typing import TYPE_CHECKING

from tests.e2e.lab.layout import API_ADDRESS, API_PORT, API_SERVICE_ADDRESS, RUN
from tests.e2e.lab.programs import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.e2e.lab.layout import NodeLayout

__all__ = ("ADMIN_KUBECONFIG", "PKI", "make_certificates", "write_kubeconfigs")

PKI = RUN / "pki"
ADMIN_KUBECONFIG = RUN / "admin.kubeconfig"
_DAYS = "30"


def make_certificates() -> None:
    """Make the authority, the API server's certificate, its client certificate for kubelets, and the accounts' key."""
    PKI.mkdir(parents=True, exist_ok=True)
    _openssl("req", "-x509", *_new("ca", "/CN=netbench-lab"), "-days", _DAYS, "-out", "ca.crt")
    names = f"subjectAltName=IP:127.0.0.1,IP:{API_ADDRESS},IP:{API_SERVICE_ADDRESS},DNS:kubernetes.default.svc"
    _signed("api", "/CN=apiserver", names)
    _signed("kubelet-client", "/O=system:masters/CN=kubelet-client", "extendedKeyUsage=clientAuth")
    _openssl("genrsa", "-out", "accounts.key", "2048")


def write_kubeconfigs(nodes: Sequence[NodeLayout]) -> None:
    """Give each component a token and a kubeconfig; the administrator's is good by itself, wherever it is copied."""
    users: list[tuple[Path, str, str]] = [
        (ADMIN_KUBECONFIG, "admin", "system:masters"),
        (RUN / "controllers.kubeconfig", "system:kube-controller-manager", ""),
        (RUN / "scheduler.kubeconfig", "system:kube-scheduler", ""),
        (RUN / "proxy.kubeconfig", "system:kube-proxy", ""),
    ]
    for node in nodes:
        node.directory.mkdir(parents=True, exist_ok=True)
        users.append((node.directory / "kubeconfig", f"system:node:{node.name}", "system:nodes"))
    lines = []
    for number, (path, user, group) in enumerate(users):
        token = secrets.token_hex(16)
        lines.append(f"{token},{user},{number}" + (f',"{group}"' if group else ""))
        path.write_text(json.dumps(_kubeconfig(token), indent=1))
        path.chmod(0o600)
    (PKI / "tokens.csv").write_text("\n".join(lines) + "\n")


def _kubeconfig(token: str) -> dict[str, object]:
    authority = base64.b64encode((PKI / "ca.crt").read_bytes()).decode()
    server = f"https://{API_ADDRESS}:{API_PORT}"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": "lab", "user": {"token": token}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
        "current-context": "lab",
    }


def _signed(name: str, subject: str, extension: str) -> None:
    _openssl("req", *_new(name, subject), "-out", f"{name}.csr")
    (PKI / f"{name}.ext").write_text(extension + "\n")
    authority = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"]
    wanted = ["-days", _DAYS, "-extfile", f"{name}.ext", "-out", f"{name}.crt"]
    _openssl("x509", "-req", "-in", f"{name}.csr", *authority, *wanted)


def _new(name: str, subject: str) -> list[str]:
    return ["-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", f"{name}.key"]


def _openssl(*words: str) -> None:
    run(["openssl", *words], cwd=PKI)
