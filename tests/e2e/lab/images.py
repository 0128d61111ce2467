"""The container images, made without a registry of images: pause, Debian's Python, and the full worker image."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.e2e.lab.binaries import kube_binary, pause_binary
from tests.e2e.lab.cache import cache_directory, cached
from tests.e2e.lab.programs import run

__all__ = ("FULL_IMAGE", "PAUSE_IMAGE", "PYTHON_IMAGE", "image_archives")

PAUSE_IMAGE = "localhost/pause:1"
#: The stock name that a worker fleet asks for; inside is Debian's Python, of the same version where Debian has it.
PYTHON_IMAGE = f"docker.io/library/python:3.{sys.version_info.minor}-slim"
FULL_IMAGE = "localhost/netbench-worker:full"

_SUITE = "bookworm" if sys.version_info < (3, 12) else "trixie"
_ROOT = Path(__file__).parents[3]
_CONTAINERFILE = _ROOT / "manifests" / "Containerfile"


def image_archives() -> list[Path]:
    """Give an OCI archive of each image, to be imported by each node's containerd."""
    pause = cached("pause-image", pause_binary().name, _make_pause)
    python = cached(f"python-{_SUITE}", PYTHON_IMAGE, _make_python)
    full = cached(f"full-{_SUITE}", f"{python.name}\n{_CONTAINERFILE.read_text()}", _make_full)
    return [pause, python, full]


def _buildah(*words: str, cwd: Path | None = None) -> str:
    env = {
        "BUILDAH_ISOLATION": "chroot",
        "STORAGE_DRIVER": "vfs",
        # Not the machine's own store: what people keep there is none of ours.
        "CONTAINERS_STORAGE_CONF": str(_storage_configuration()),
    }
    return run(["buildah", *words], timeout_s=900, env=env, cwd=cwd)


def _storage_configuration() -> Path:
    directory = cache_directory() / "buildah"
    directory.mkdir(exist_ok=True)
    path = directory / "storage.conf"
    path.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{directory / "graph"}"\nrunroot = "{directory / "run"}"\n'
    )
    return path


def _push(image: str, path: Path) -> None:
    _buildah("push", "-q", image, f"oci-archive:{path}:{image}")


def _make_pause(path: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        context = Path(name)
        (context / "pause").write_bytes(pause_binary().read_bytes())
        (context / "pause").chmod(0o755)
        (context / "Containerfile").write_text('FROM scratch\nCOPY pause /pause\nUSER 65535\nENTRYPOINT ["/pause"]\n')
        _buildah("bud", "-q", "-t", PAUSE_IMAGE, "-f", "Containerfile", ".", cwd=context)
        _push(PAUSE_IMAGE, path)


def _make_python(path: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        context = Path(name)
        tree = context / "tree"
        packages = "python3,ca-certificates"
        run(["debootstrap", "--variant=minbase", f"--include={packages}", _SUITE, str(tree)], timeout_s=900)
        run(["tar", "-C", str(tree), "-cf", str(context / "tree.tar"), "."], timeout_s=300)
        (context / "Containerfile").write_text('FROM scratch\nADD tree.tar /\nCMD ["python3"]\n')
        _buildah("bud", "-q", "-t", PYTHON_IMAGE, "-f", "Containerfile", ".", cwd=context)
        _push(PYTHON_IMAGE, path)


def _make_full(path: Path) -> None:
    """Build the project's own Containerfile, with the stock image's stand-in as its base."""
    certificates = ["-v", "/etc/ssl/certs:/etc/ssl/certs:ro"] if Path("/etc/ssl/certs").exists() else []
    _buildah(
        "bud",
        "-q",
        "--pull-never",
        *certificates,
        *("--build-arg", f"BASE={PYTHON_IMAGE}"),
        "-t",
        FULL_IMAGE,
        "-f",
        str(_CONTAINERFILE),
        str(_ROOT / "manifests"),
    )
    _push(FULL_IMAGE, path)


if __name__ == "__main__":
    # Ahead of time, with nothing but the standard library: what the lab will need.
    for made in (kube_binary(), *image_archives()):
        print(made)
