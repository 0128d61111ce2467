"""The run directory: one cluster's files, and a lock that says whether its controller is alive.

The directory's name is the cluster's id, and everything else that a cluster makes carries it: ``nb-<id>-...`` for
network namespaces, the path of the control socket in every worker's command line. So whoever finds the directory of a
controller that died knows all that it left, and nothing has to be written down at the right moment.

The lock is a file beside the directory, held with flock(2) for as long as the controller lives; the kernel lets go of
it when the controller ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from netbench.errors import HostError, MissingPermissionError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("base_directory", "claim", "dead_clusters", "open_run_directory")

_LOCK_SUFFIX = ".lock"
_ID_BYTES = 4


def base_directory() -> Path:
    """Give the directory that holds all run directories of this user, made where it is missing.

    Raises:
        MissingPermissionError: Somebody else owns it, or may write to it.
        HostError: It cannot be made.
    """
    base = Path(tempfile.gettempdir()) / f"netbench-{os.getuid()}"
    try:
        with suppress(FileExistsError):
            base.mkdir(mode=0o700)
        found = base.lstat()
    except OSError as error:
        msg = f"the directory {base} cannot be made: {error.strerror}; set TMPDIR to one that is yours to write"
        raise HostError(msg) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        msg = f"{base} must be a directory that is yours alone (mode 0700); remove it, or set TMPDIR to another place"
        raise MissingPermissionError(msg)
    return base


@contextmanager
def open_run_directory() -> Iterator[Path]:
    """Make a run directory with a new id, hold its lock, and remove both at the end.

    Raises:
        HostError: It cannot be made; the disk is full, for instance.
    """
    base = base_directory()
    try:
        directory, lock = _make(base)
    except OSError as error:
        msg = f"no run directory can be made in {base}: {error.strerror}"
        raise HostError(msg) from error
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        _release(directory, lock)


def dead_clusters() -> list[Path]:
    """List the run directories whose controllers are not alive, this moment."""
    found = []
    for path in sorted(base_directory().glob("*" + _LOCK_SUFFIX)):
        directory = path.with_suffix("")
        lock = _lock(path)
        if lock is not None:
            os.close(lock)
            found.append(directory)
    return found


@contextmanager
def claim(directory: Path) -> Iterator[bool]:
    """Take over a dead controller's run directory, to remove what it left; removes the directory itself at the end.

    Yields:
        Whether it could be taken: False when its controller lives, or somebody else is removing it.
    """
    lock = _lock(_lock_path(directory))
    if lock is None:
        yield False
        return
    try:
        yield True
    except BaseException:
        # Something is still there: whoever comes next must find it.
        os.close(lock)
        raise
    shutil.rmtree(directory, ignore_errors=True)
    _release(directory, lock)


def _make(base: Path) -> tuple[Path, int]:
    while True:
        directory = base / secrets.token_hex(_ID_BYTES)
        lock = _lock(_lock_path(directory), create=True)
        if lock is None:
            # Somebody looked for leftovers just now.
            continue
        try:
            os.write(lock, f"{os.getpid()}\n".encode())
            directory.mkdir(mode=0o700)
        except OSError:
            _release(directory, lock)
            raise
        return directory, lock


def _lock(path: Path, *, create: bool = False) -> int | None:
    """Take the lock; None where somebody else has it, or where the file was removed meanwhile."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0), 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        mine = os.fstat(descriptor)
        named = path.stat()
    except (BlockingIOError, FileNotFoundError):
        os.close(descriptor)
        return None
    if (mine.st_dev, mine.st_ino) != (named.st_dev, named.st_ino):
        os.close(descriptor)
        return None
    return descriptor


def _release(directory: Path, lock: int) -> None:
    # Removed before it is let go, so that nobody can take the lock of a file that has no name any more.
    _lock_path(directory).unlink(missing_ok=True)
    os.close(lock)


def _lock_path(directory: Path) -> Path:
    return directory.with_name(directory.name + _LOCK_SUFFIX)
