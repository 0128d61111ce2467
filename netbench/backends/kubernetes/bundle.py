"""The worker's code as one zip, made from the installed netbench: what a ConfigMap carries into the pods."""

from __future__ import annotations

import hashlib
import io
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from netbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("BUNDLE_MAX_BYTES", "Bundle", "make_bundle")

#: A ConfigMap holds 1 MiB; the rest is for its own words.
BUNDLE_MAX_BYTES = 1_000_000
#: What a worker imports, all of it pure Python.
_PACKAGES = (
    "anyio",
    "attr",
    "attrs",
    "cattr",
    "cattrs",
    "certifi",
    "h11",
    "httpcore",
    "typing_extensions",
)
_OWN = (
    "__init__.py",
    "clock.py",
    "errors.py",
    "framing.py",
    "hdr.py",
    "integers.py",
    "kube",
    "messages.py",
    "metrics.py",
    "packing",
    "tasks.py",
    "traffic.py",
    "validation.py",
    "version.py",
    "worker",
)
_NOT_NEEDED = ("anyio/_backends/_trio.py", "anyio/pytest_plugin.py")
#: A zip knows no earlier time; always the same one, so that the same code has the same hash.
_TIME = (1980, 1, 1, 0, 0, 0)


@attrs.frozen
class Bundle:
    """A zip that Python can import from.

    Attributes:
        data: Its bytes.
        sha256: Their hash, as hex.
    """

    data: bytes = attrs.field(repr=False)
    sha256: str


def make_bundle() -> Bundle:
    """Zip the worker and what it imports.

    Raises:
        HostError: A package that the worker imports is not installed here.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, path in sorted(_files()):
            info = zipfile.ZipInfo(name, _TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, path.read_bytes())
    data = buffer.getvalue()
    return Bundle(data, hashlib.sha256(data).hexdigest())


def _files() -> Iterator[tuple[str, Path]]:
    own = Path(__file__).parents[2]
    for name in _OWN:
        yield from _tree(own / name, f"netbench/{name}")
    for package in _PACKAGES:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            msg = f"the package {package}, which travels into the pods, is not installed: pip install netbench"
            raise HostError(msg)
        origin = Path(spec.origin)
        if spec.submodule_search_locations:
            yield from _tree(origin.parent, package)
        else:
            yield origin.name, origin


def _tree(path: Path, name: str) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield name, path
        return
    for file in path.rglob("*.py"):
        inside = f"{name}/{file.relative_to(path).as_posix()}"
        if inside not in _NOT_NEEDED and "__pycache__" not in inside:
            yield inside, file
