"""Files of a plan: found where ClusterLoader2 finds them or beside the file that names them, and read with a limit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from netbench.runner.places import Place, Problems

__all__ = ("FILE_BYTES_MAX", "find_file", "read_file", "read_text")

#: No honest file of a plan is larger.
FILE_BYTES_MAX = 4 * 2**20


def find_file(name: str, beside: Path | None) -> Path:
    """Give the path of a file: from the working directory, as ClusterLoader2 does it, else beside the other file."""
    path = Path(name)
    if beside is not None and not path.is_absolute() and not path.exists():
        near = beside.parent / path
        if near.exists():
            return near
        # A suite of a repository names its files from the repository's top.
        for parent in beside.absolute().parents:
            if (parent / path).is_file():
                return parent / path
    return path


def read_file(path: Path, refuse: Callable[[str], None]) -> bytes | None:
    """Read a file; what prevents it is told to ``refuse``, and None given."""
    try:
        if path.is_dir():
            refuse(f"{path} is a directory")
            return None
        if not path.exists():
            refuse(f"there is no file {path} (looked for in {Path.cwd()})")
            return None
        if not path.is_file():
            refuse(f"{path} is no regular file")
            return None
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        refuse(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}")
        return None
    if len(content) > FILE_BYTES_MAX:
        refuse(f"{path} has {path.stat().st_size} bytes, and no file of a plan has more than {FILE_BYTES_MAX}")
        return None
    return content


def read_text(path: Path, problems: Problems, place: Place | None = None, where: str = "") -> str | None:
    """Read a text; None where it cannot be, with the problem noted at the place that names it."""
    content = read_file(path, lambda message: problems.add(message, place, where))
    if content is None:
        return None
    text = content.decode("utf-8", "surrogateescape")
    return text.removeprefix("\ufeff")
