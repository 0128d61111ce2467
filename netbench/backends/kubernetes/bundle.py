"""The worker's code as zips, made from the installed netbench: what ConfigMaps carry into the pods.

Each module is there twice. Python takes the byte-code where it is of its own version, which spares a worker most of the
processor time of its start, and otherwise the source beside it; and from the sources come a traceback's lines.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from concurrent.futures import Future
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import anyio.to_thread
import attrs

from netbench.backends.kubernetes.bytecode import compiled
from netbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("ARCHIVES", "ARCHIVE_MAX_BYTES", "Archive", "BundleInTheMaking", "make_bundle")

#: A ConfigMap holds 1 MiB; the rest is for its own words.
ARCHIVE_MAX_BYTES = 1_000_000
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
#: What is in which archive: netbench's own part, and the packages that it imports, all pure Python. There are two
#: because one ConfigMap does not hold all, and HTTP's packages are where there is more room.
_PACKAGES = {
    "worker.zip": ("netbench", "certifi", "h11", "httpcore"),
    "packages.zip": ("anyio", "attr", "attrs", "cattrs", "typing_extensions"),
}
#: Their names.
ARCHIVES = tuple(_PACKAGES)
#: For what a worker does not do: trio, HTTP/2, SOCKS, cattrs by format, tests. Files, or the beginnings of their names.
_NOT_NEEDED = (
    "anyio/_backends/_trio.py",
    "anyio/pytest_plugin.py",
    "cattrs/preconf/",
    "certifi/__main__.py",
    "certifi/tests/",
    "httpcore/_async/http2.py",
    "httpcore/_async/socks_proxy.py",
    "httpcore/_backends/trio.py",
    "httpcore/_sync/http2.py",
    "httpcore/_sync/socks_proxy.py",
)
#: A zip knows no earlier one, and when a file was installed says nothing.
_TIME = (1980, 1, 1, 0, 0, 0)
#: The highest takes three times as long, for a fifteenth.
_LEVEL = 3


@attrs.frozen
class Archive:
    """A zip that Python can import from.

    Attributes:
        name: Of its file.
        data: Its bytes.
        sha256: Their hash, as hex.
    """

    name: str
    data: bytes = attrs.field(repr=False)
    sha256: str


def make_bundle() -> tuple[Archive, ...]:
    """Zip the worker and what it imports. It takes some tenths of a second.

    Raises:
        HostError: A package that the worker imports is not installed here.
    """
    return tuple(_archive(name, packages) for name, packages in _PACKAGES.items())


class BundleInTheMaking:
    """The code for all fleets of a cluster, made by a thread from now on, while the cluster is asked what is there."""

    def __init__(self) -> None:
        self._made: Future[tuple[Archive, ...]] = Future()
        # Whoever ends before it is made does not wait for it.
        Thread(target=self._make, name="netbench-bundle", daemon=True).start()

    def _make(self) -> None:
        try:
            self._made.set_result(make_bundle())
        except BaseException as error:  # noqa: BLE001 - it is raised where the code is wanted
            self._made.set_exception(error)

    async def wait(self) -> tuple[Archive, ...]:
        """Give it when it is made.

        Raises:
            HostError: A package that the worker imports is not installed here.
        """
        return await anyio.to_thread.run_sync(self._made.result, abandon_on_cancel=True)


def _archive(name: str, packages: tuple[str, ...]) -> Archive:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for inside, path in sorted(file for package in packages for file in _files(package)):
            source = path.read_bytes()
            _add(archive, inside, source)
            code = compiled(path, source, inside)
            if code is not None:
                _add(archive, f"{inside}c", code)
    data = buffer.getvalue()
    return Archive(name, data, hashlib.sha256(data).hexdigest())


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, _TIME)
    info.external_attr = 0o644 << 16
    archive.writestr(info, content, zipfile.ZIP_DEFLATED, _LEVEL)


def _files(package: str) -> Iterator[tuple[str, Path]]:
    if package == "netbench":
        for name in _OWN:
            yield from _tree(Path(__file__).parents[2] / name, f"netbench/{name}")
        return
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
        if not inside.startswith(_NOT_NEEDED) and "__pycache__" not in inside:
            yield inside, file
