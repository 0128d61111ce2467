"""HTTP/1.1 messages: what is written can be read, what is malformed is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.traffic import Http
from netbench.worker.drivers.native_http.wire import (
    HEAD_END,
    MalformedError,
    answer,
    parse_request,
    parse_response,
    request,
)

COOKIE = bytes(range(16))


def head_of(message: bytes) -> bytes:
    """Cut the body off."""
    return message[: message.index(HEAD_END) + len(HEAD_END)]


@given(st.integers(0, 10_000))
def test_a_request_says_how_long_its_body_is(length: int) -> None:
    """Written and read again."""
    message = request(Http(method="POST", request_bytes=length), "198.18.0.1", COOKIE)
    head = parse_request(head_of(message))
    assert (head.length, len(message) - len(head_of(message))) == (length, length)


def test_a_request_shows_the_sessions_cookie() -> None:
    """By which the server knows it."""
    head = parse_request(head_of(request(Http(), "198.18.0.1", COOKIE)))
    assert (head.belongs_to(COOKIE), head.belongs_to(bytes(16))) == (True, False)


def test_a_request_of_its_own_connection_asks_to_close_it() -> None:
    """Keep-alive is HTTP/1.1's default."""
    per_request = parse_request(head_of(request(Http(connection="per-request"), "::1", COOKIE)))
    assert (per_request.close, parse_request(head_of(request(Http(), "::1", COOKIE))).close) == (True, False)


@given(st.integers(0, 10_000), st.booleans())
def test_an_answer_can_be_read(length: int, close: bool) -> None:  # noqa: FBT001 - drawn
    """Status, length and whether the connection ends."""
    head = parse_response(head_of(answer("200 OK", length, close=close)))
    assert (head.status, head.length, head.close) == (200, length, close)


@pytest.mark.parametrize(
    "text",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
    ],
)
def test_a_malformed_answer_is_refused(text: bytes) -> None:
    """Rather than guessed at (RFC 9112)."""
    with pytest.raises(MalformedError):
        parse_response(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_head_or_malformed(text: bytes) -> None:
    """No other exception gets out."""
    for parse in (parse_request, parse_response):
        try:
            parse(text + HEAD_END)
        except MalformedError:
            continue
