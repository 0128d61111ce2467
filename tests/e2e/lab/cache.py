"""What takes minutes to make, kept under the user's cache directory by a hash of what it is made from."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("cache_directory", "cached")


def cache_directory() -> Path:
    """Give the directory, made where it is missing."""
    base = os.environ.get("XDG_CACHE_HOME")
    directory = (Path(base) if base else Path.home() / ".cache") / "netbench-lab"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def cached(name: str, inputs: str, make: Callable[[Path], None]) -> Path:
    """Give the file of this name made from these inputs; make it when it is not there.

    Args:
        name: What it is, the beginning of its file name.
        inputs: Everything that, changed, would change the file.
        make: Writes the file to the path that it is given.
    """
    path = cache_directory() / f"{name}-{hashlib.sha256(inputs.encode()).hexdigest()[:16]}"
    with _locked(path.with_suffix(".lock")):
        if not path.exists():
            unfinished = path.with_suffix(".unfinished")
            unfinished.unlink(missing_ok=True)
            make(unfinished)
            unfinished.rename(path)
            _forget_others(name, path)
    return path


def _forget_others(name: str, path: Path) -> None:
    """Remove what was made from older inputs."""
    for other in path.parent.glob(f"{name}-????????????????"):
        if other != path:
            shutil.rmtree(other) if other.is_dir() else other.unlink()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
