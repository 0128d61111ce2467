"""The kernel's own files, which are read before and after each pair's traffic.

Not with pathlib, which puts each part of each path into Python's table of interned strings. Those that nobody else
holds are let go again, and leave a gap: after some ten thousands of them the table is made anew, twice as large.
"""

from __future__ import annotations

import os

__all__ = ("names_in", "read_file")


def read_file(path: str) -> str:
    """Read a file whole.

    Raises:
        OSError: It cannot be read.
    """
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - see above
        return file.read()


def names_in(directory: str) -> list[str]:
    """List a directory.

    Raises:
        OSError: It cannot be listed.
    """
    return os.listdir(directory)  # noqa: PTH208 - see above
