"""The workers' code: that a stock Python runs it, and what of it."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import anyio
import pytest

from netbench.backends.kubernetes import bundle
from netbench.backends.kubernetes.bundle import ARCHIVE_MAX_BYTES, ARCHIVES, Archive, BundleInTheMaking, make_bundle
from netbench.backends.kubernetes.bytecode import compiled
from netbench.backends.kubernetes.objects import BOOTSTRAP
from netbench.errors import HostError

#: Imports all of netbench that travels, runs a loop, and says from which files.
IMPORTS = """
import importlib, pkgutil, sys
sys.path[:0] = sys.argv[1:]
for module in pkgutil.walk_packages([sys.argv[1] + "/netbench"], "netbench."):
    importlib.import_module(module.name)
import anyio
anyio.run(anyio.sleep, 0)
for module in list(sys.modules.values()):
    if (getattr(module, "__file__", None) or "").startswith(tuple(sys.argv[1:])):
        print(module.__file__)
"""


@pytest.fixture(scope="module")
def archives() -> tuple[Archive, ...]:
    """Give what travels."""
    return make_bundle()


def written(archives: tuple[Archive, ...], directory: Path) -> list[str]:
    """Write the archives where a pod would have them, and give their paths."""
    for archive in archives:
        (directory / archive.name).write_bytes(archive.data)
    return [str(directory / archive.name) for archive in archives]


def contents(archive: Archive) -> dict[str, bytes]:
    """Give the files of an archive by their names."""
    with zipfile.ZipFile(io.BytesIO(archive.data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def of_another_python(archive: Archive) -> Archive:
    """Give the same archive with the byte-code of a version that is not this one's."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in contents(archive).items():
            other = b"\0\0\r\n" + content.removeprefix(MAGIC_NUMBER)
            file.writestr(name, other if name.endswith(".pyc") else content)
    return Archive(archive.name, buffer.getvalue(), "")


def stock_python(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a Python in which nothing is installed."""
    command = [sys.executable, "-I", "-S", "-B", "-c", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def started(archives: tuple[Archive, ...], paths: list[str]) -> str:
    """Start a worker as its pod does, and give its last words."""
    code = [word for path, archive in zip(paths, archives, strict=True) for word in (path, archive.sha256)]
    return stock_python(BOOTSTRAP, *code, "--name", "a", "--control", "kubernetes:a/b", "--account", "/nowhere").stderr


def test_each_archive_fits_into_a_config_map(archives: tuple[Archive, ...]) -> None:
    """With room for its own words."""
    assert [each.name for each in archives] == list(ARCHIVES)
    assert max(len(each.data) for each in archives) < ARCHIVE_MAX_BYTES * 0.9


def test_a_worker_starts_from_the_archives_with_nothing_installed(
    archives: tuple[Archive, ...], tmp_path: Path
) -> None:
    """As in a pod of a stock image: it says what its environment lacks."""
    assert "this is no pod of a worker fleet" in started(archives, written(archives, tmp_path))


def test_an_archive_that_was_changed_is_not_run(archives: tuple[Archive, ...], tmp_path: Path) -> None:
    """Nor the one before it."""
    paths = written(archives, tmp_path)
    with Path(paths[-1]).open("ab") as file:
        file.write(b"x")
    assert started(archives, paths).endswith("it is not run\n")


def test_all_that_a_worker_imports_is_byte_code(archives: tuple[Archive, ...], tmp_path: Path) -> None:
    """To compile it is most of what a worker's start costs."""
    done = stock_python(IMPORTS, *written(archives, tmp_path))
    files = done.stdout.split()
    assert done.stderr == ""
    assert len(files) > 150
    assert [each for each in files if not each.endswith(".pyc")] == []


def test_another_python_takes_the_sources(archives: tuple[Archive, ...], tmp_path: Path) -> None:
    """And says nothing of it."""
    done = stock_python(IMPORTS, *written(tuple(map(of_another_python, archives)), tmp_path))
    files = done.stdout.split()
    assert done.stderr == ""
    assert len(files) > 150
    assert [each for each in files if not each.endswith(".py")] == []


def test_a_traceback_of_byte_code_has_its_lines(archives: tuple[Archive, ...], tmp_path: Path) -> None:
    """From the source beside it."""
    code = (
        "import sys, traceback; sys.path[:0] = sys.argv[1:]\n"
        "from netbench.version import __file__ as file; from netbench.worker.procfs import read_file\n"
        "try: read_file(None)\n"
        "except TypeError: traceback.print_exc(); print(file)"
    )
    done = stock_python(code, *written(archives, tmp_path))
    assert done.stdout.endswith("version.pyc\n")
    assert 'File "netbench/worker/procfs.py", line' in done.stderr
    assert "with open(path" in done.stderr


def test_byte_code_tells_nothing_of_the_machine_that_made_it(archives: tuple[Archive, ...]) -> None:
    """Tracebacks call a module as the archive does."""
    places = [str(Path(str(module.__file__)).parents[1]).encode() for module in (anyio, bundle)]
    for archive in archives:
        for name, content in contents(archive).items():
            assert not any(place in content for place in places), name


def test_a_module_for_newer_versions_travels_as_its_source(tmp_path: Path) -> None:
    """A package imports it where it can be."""
    path, source = tmp_path / "newer.py", b"no python of today"
    path.write_bytes(source)
    assert compiled(path, source, "newer.py") is None


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be missing in the pods."""
    monkeypatch.setattr(bundle, "find_spec", lambda _: None)
    with pytest.raises(HostError, match="the package certifi"):
        make_bundle()


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time: the code is made by a thread."""
    return "asyncio"


@pytest.mark.anyio
async def test_all_fleets_of_a_cluster_have_the_code_that_was_made_once() -> None:
    """It takes some tenths of a second."""
    code = BundleInTheMaking()
    assert await code.wait() is await code.wait()


@pytest.mark.anyio
async def test_what_keeps_the_code_from_being_made_is_told_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not by the thread that made it."""
    monkeypatch.setattr(bundle, "find_spec", lambda _: None)
    code = BundleInTheMaking()
    with pytest.raises(HostError, match="the package certifi"):
        await code.wait()
