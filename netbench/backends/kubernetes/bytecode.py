"""A module's byte-code as a file that other machines of the same Python can run."""

from __future__ import annotations

import marshal
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER, source_hash
from types import CodeType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ("compiled",)

#: That it goes by its source's hash, and that this is not compared (PEP 552): whoever runs it has checked the archive.
_UNCHECKED_HASH = 0b01


def compiled(path: Path, source: bytes, name: str) -> bytes | None:
    """Give the content of a module's ``.pyc`` file; None where this Python does not compile it.

    It is what an ``import`` would run here: what Python keeps in ``__pycache__`` is used, and written where it is not
    there yet. Its bytes are those of this time only, for marshal notes which texts are shared with all that runs here.

    Args:
        path: The module.
        source: What is in it.
        name: What tracebacks are to call it, in place of this machine's path.
    """
    try:
        code = SourceFileLoader(name, str(path)).get_code(name)
    except SyntaxError:
        # A package may have modules for newer versions only, and not import them in this one.
        code = None
    if code is None:
        return None
    header = MAGIC_NUMBER + _UNCHECKED_HASH.to_bytes(4, "little") + source_hash(source)
    return header + marshal.dumps(_renamed(code, name))


def _renamed(code: CodeType, name: str) -> CodeType:
    inner = tuple(_renamed(each, name) if isinstance(each, CodeType) else each for each in code.co_consts)
    return code.replace(co_filename=name, co_consts=inner)
