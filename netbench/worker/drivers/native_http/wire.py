"""HTTP/1.1 messages as bytes (RFC 9112): written once, read strictly.

Bodies have a ``Content-Length``; a transfer coding is refused, for neither side sends one.
"""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from netbench.traffic import Http

__all__ = (
    "HEAD_END",
    "HEAD_MAX_BYTES",
    "Head",
    "MalformedError",
    "answer",
    "parse_request",
    "parse_response",
    "request",
)

HEAD_END = b"\r\n\r\n"
HEAD_MAX_BYTES = 65_536
_SESSION = b"x-netbench-session"
_REQUEST_LINE = re.compile(rb"(GET|POST) (/[!-~]*) HTTP/1\.1")
_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [\t -~\x80-\xff]*")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*([\t -~\x80-\xff]*?)[\t ]*")
_LENGTH = re.compile(rb"[0-9]{1,18}")


class MalformedError(Exception):
    """Bytes that are no HTTP/1.1 message, or none that is taken here."""


@attrs.frozen(kw_only=True, eq=False)
class Head:
    """What a message's head says. Compared by identity, so that many can be counted fast.

    Attributes:
        status: Status code of a response; 0 for a request.
        length: Bytes of the body that follows.
        close: Whether the connection ends with this message.
        session: The session's cookie as hex, of a request that shows one.
    """

    status: int
    length: int
    close: bool
    session: bytes = b""

    def belongs_to(self, cookie: bytes) -> bool:
        """Whether this request shows the session's cookie."""
        return hmac.compare_digest(self.session, cookie.hex().encode())


def request(traffic: Http, host: str, cookie: bytes) -> bytes:
    """Write a request, body included."""
    name = f"[{host}]" if ":" in host else host
    lines = [f"{traffic.method} / HTTP/1.1", f"Host: {name}", f"{_SESSION.decode()}: {cookie.hex()}"]
    if traffic.method == "POST":
        lines.append(f"Content-Length: {traffic.request_bytes}")
    if traffic.connection == "per-request":
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + HEAD_END + b"x" * traffic.request_bytes


def answer(status: str, body_bytes: int, *, close: bool) -> bytes:
    """Write an answer, body included."""
    ending = "Connection: close\r\n" if close else ""
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\nContent-Length: {body_bytes}\r\n{ending}\r\n"
    )
    return head.encode() + b"x" * body_bytes


def parse_request(head: bytes) -> Head:
    """Read a request's head, its empty last line included.

    Raises:
        MalformedError: It is none.
    """
    line, fields = _split(head)
    if _REQUEST_LINE.fullmatch(line) is None:
        msg = f"no request line: {line[:80]!r}"
        raise MalformedError(msg)
    return Head(status=0, length=_length(fields, 0), close=_closes(fields), session=fields.get(_SESSION, b""))


def parse_response(head: bytes) -> Head:
    """Read a response's head, its empty last line included.

    Raises:
        MalformedError: It is none.
    """
    line, fields = _split(head)
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        msg = f"no status line: {line[:80]!r}"
        raise MalformedError(msg)
    return Head(status=int(match[1]), length=_length(fields, None), close=_closes(fields))


def _split(head: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    line, *rest = head.removesuffix(HEAD_END).split(b"\r\n")
    fields: dict[bytes, bytes] = {}
    for raw in rest:
        match = _FIELD.fullmatch(raw)
        if match is None:
            msg = f"no header field: {raw[:80]!r}"
            raise MalformedError(msg)
        name = match[1].lower()
        if name in fields and name in {b"content-length", _SESSION}:
            msg = f"{name.decode()} came twice"
            raise MalformedError(msg)
        fields[name] = match[2]
    return line, fields


def _length(fields: dict[bytes, bytes], missing: int | None) -> int:
    if b"transfer-encoding" in fields:
        msg = "a transfer coding, which is not taken here"
        raise MalformedError(msg)
    text = fields.get(b"content-length")
    if text is None and missing is not None:
        return missing
    if text is None or _LENGTH.fullmatch(text) is None:
        msg = f"no usable Content-Length: {text!r}"
        raise MalformedError(msg)
    return int(text)


def _closes(fields: dict[bytes, bytes]) -> bool:
    return b"close" in (token.strip().lower() for token in fields.get(b"connection", b"").split(b","))
