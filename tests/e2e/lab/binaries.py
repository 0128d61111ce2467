"""Kubernetes and etcd in one binary, and the pause program, built from their Go modules."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.e2e.lab.cache import cached
from tests.e2e.lab.programs import run

__all__ = ("KUBERNETES_VERSION", "kube_binary", "pause_binary")

KUBERNETES_VERSION = "1.34.4"

_SOURCES = Path(__file__).parent / "kube"
_MODULE = "k8s.io/kubernetes"
_VERSION_FLAGS = "k8s.io/component-base/version"
_BUILD_TIMEOUT_S = 1800.0


def kube_binary() -> Path:
    """Give the path of the binary whose first argument names a component. Cold, this takes five minutes."""
    source = (_SOURCES / "server" / "main.go").read_text()
    return cached("kube", f"{KUBERNETES_VERSION}\n{_go()}\n{source}", _build_kube)


def pause_binary() -> Path:
    """Give the path of the program that holds a pod's namespaces."""
    source = (_SOURCES / "pause" / "main.go").read_text()
    return cached("pause", f"{_go()}\n{source}", _build_pause)


def _go() -> str:
    return run(["go", "version"])


def _build_kube(path: Path) -> None:
    major, minor, patch = KUBERNETES_VERSION.split(".")
    staged = f"v0.{minor}.{patch}"
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        downloaded = run(["go", "mod", "download", "-json", f"{_MODULE}@v{KUBERNETES_VERSION}"], timeout_s=600)
        requirements = (Path(json.loads(downloaded)["Dir"]) / "go.mod").read_text()
        # Kubernetes' own go.mod points these at directories beside it, which a module that requires it has not.
        modules = [line.split()[0] for line in requirements.splitlines() if "=> ./staging" in line]
        replaced = "".join(f"\t{module} => {module} {staged}\n" for module in modules)
        (directory / "go.mod").write_text(
            f"module lab\n\ngo 1.24.0\n\nrequire {_MODULE} v{KUBERNETES_VERSION}\n\nreplace (\n{replaced})\n"
        )
        (directory / "main.go").write_text((_SOURCES / "server" / "main.go").read_text())
        env = {"GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
        run(["go", "mod", "tidy"], timeout_s=_BUILD_TIMEOUT_S, env=env, cwd=directory)
        flags = (
            f"-s -w -X {_VERSION_FLAGS}.gitVersion=v{KUBERNETES_VERSION} "
            f"-X {_VERSION_FLAGS}.gitMajor={major} -X {_VERSION_FLAGS}.gitMinor={minor}"
        )
        build = ["go", "build", "-trimpath", "-ldflags", flags, "-o", str(path), "."]
        run(build, timeout_s=_BUILD_TIMEOUT_S, env=env, cwd=directory)


def _build_pause(path: Path) -> None:
    command = ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", str(path), "main.go"]
    run(command, timeout_s=300, env={"CGO_ENABLED": "0"}, cwd=_SOURCES / "pause")
