"""Results as JSON, and on disk."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from netbench.errors import HostError, ProtocolError, ResultFormatError
from netbench.framing import refuse_constant
from netbench.messages import from_wire, to_wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from netbench.result.model import Result

__all__ = (
    "SCHEMA",
    "from_dict",
    "from_json",
    "load",
    "load_json",
    "read_json",
    "schema_of",
    "to_dict",
    "to_json",
    "to_text",
    "write_text",
)

#: What a stored result calls its own form; another form gets another name.
SCHEMA = "netbench.result/v1"

#: What readers of the file want to know, and whoever loads the result computes again.
_COMPUTED = frozenset({"schema", "verdict", "interval"})

T = TypeVar("T")


def to_dict(result: Result) -> dict[str, Any]:
    """Turn a result into plain JSON data, with the name of its form under ``schema``."""
    interval = result.interval
    judged = {
        "verdict": _plain(result.verdict.to_dict()),
        "interval": None if interval is None else _plain(to_wire(interval)),
    }
    return {"schema": SCHEMA, **judged, **_plain(to_wire(result))}


def to_json(result: Result, indent: int | None = None) -> str:
    """Turn a result into JSON text, on one line unless an indent is given."""
    return to_text(to_dict(result), indent)


def to_text(data: dict[str, Any], indent: int | None = None) -> str:
    """Turn JSON data into text."""
    # In ASCII, so that any text, lone surrogates of odd command lines included, can be stored and read again.
    return json.dumps(data, indent=indent, allow_nan=False)


def from_dict(data: object, kind: type[T]) -> T:
    """Read what :func:`to_dict` gave.

    Args:
        data: The JSON data.
        kind: :class:`~netbench.result.model.Result`.

    Raises:
        ResultFormatError: It is something else, of another schema, or damaged; the message says where.
    """
    stored = schema_of(data, SCHEMA)
    try:
        return from_wire({key: value for key, value in stored.items() if key not in _COMPUTED}, kind)
    except ProtocolError as error:
        msg = f"the stored result is damaged: {error}"
        raise ResultFormatError(msg) from error


def schema_of(data: object, expected: str) -> dict[str, Any]:
    """Give stored data that is of this form.

    Raises:
        ResultFormatError: It is not; the message says what it is.
    """
    if not isinstance(data, dict):
        msg = f"a stored result is a JSON object with a 'schema', not a {type(data).__name__}"
        raise ResultFormatError(msg)
    schema = data.get("schema")
    if schema != expected:
        said = "it names no schema" if schema is None else f"its schema is {schema!r}"
        msg = f"not a result that this netbench reads: {said}, where {expected!r} is expected"
        raise ResultFormatError(msg)
    return data


def from_json(text: str | bytes, kind: type[T]) -> T:
    """Read what :func:`to_json` gave; see :func:`from_dict`."""
    return from_dict(read_json(text), kind)


def read_json(text: str | bytes) -> object:
    """Read JSON text.

    Raises:
        ResultFormatError: It is none.
    """
    try:
        data: object = json.loads(text, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        msg = f"the stored result is damaged: not JSON ({error})"
        raise ResultFormatError(msg) from error
    return data


def load(path: str | os.PathLike[str], kind: type[T]) -> T:
    """Read a result from a file.

    Raises:
        ResultFormatError: It cannot be read, or holds something else; the message names the file.
    """
    return load_json(path, lambda text: from_json(text, kind))


def load_json(path: str | os.PathLike[str], read: Callable[[bytes], T]) -> T:
    """Read a file by what reads its text.

    Raises:
        ResultFormatError: It cannot be read, or holds something else; the message names the file.
    """
    try:
        return read(Path(path).read_bytes())
    except ResultFormatError as error:
        msg = f"{os.fspath(path)}: {error}"
        raise ResultFormatError(msg) from error
    except (OSError, ValueError) as error:
        # A path with a null character is a ValueError.
        msg = f"cannot read {os.fspath(path)!r}: {getattr(error, 'strerror', None) or error}"
        raise ResultFormatError(msg) from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a file whole or not at all, in UTF-8: under another name beside it first, then moved into place.

    Raises:
        HostError: The disk is full, the directory is missing or not writable, or the like. Nothing is left behind, and
            a file that was there before is as it was.
    """
    target = Path(path)
    try:
        # An argument of a command line that is no UTF-8 must not keep a finished measurement from its disk.
        _write_beside(target, text.encode(errors="backslashreplace"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        msg = f"cannot write {str(target)!r}: {reason}; choose another place or make room, nothing was changed"
        raise HostError(msg) from error


def _write_beside(target: Path, content: bytes) -> None:
    # The process's umask gives the file the rights of any other; "x" never follows what somebody else put there.
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    with part.open("xb") as file:
        try:
            file.write(content)
            file.flush()
            # A full disk may show only here, and a rename must not come to the disk before what it names.
            os.fsync(file.fileno())
            part.replace(target)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON data
    """Write tuples as lists, as JSON does, so that data from here and data read from a file are equal."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value
