"""A worker's HTTP to the API server, against a server of this process that answers from a script."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import certifi
import pytest
from anyio.abc import SocketAttribute

from netbench.kube.transport import METADATA, Reply, TransportError
from netbench.worker.control.kubernetes.transport import PodTransport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from anyio.abc import SocketStream

pytestmark = pytest.mark.anyio

ANSWER = b"HTTP/1.1 201 Created\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}"
#: The head of a body that is still coming, and its first chunk.
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time."""
    return "asyncio"


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """Give a directory like an account's."""
    shutil.copy(certifi.where(), tmp_path / "ca.crt")
    (tmp_path / "token").write_text("secret\n")
    return tmp_path


class Server:
    """Answers each request with these bytes, keeps its head, and ends the connection where it is told to."""

    def __init__(self, answer: bytes, *, ends: bool = False) -> None:
        self.heads: list[list[str]] = []
        self._answer = answer
        self._ends = ends

    async def serve(self, stream: SocketStream) -> None:
        """Answer until the client has gone."""
        async with stream:
            try:
                while True:
                    received = (await stream.receive()).decode()
                    self.heads.append(received.partition("\r\n\r\n")[0].split("\r\n"))
                    if self._answer:
                        await stream.send(self._answer)
                    if self._ends:
                        return
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return


@asynccontextmanager
async def connected(server: Server, account: Path, host: str = "127.0.0.1") -> AsyncGenerator[PodTransport, None]:
    """Run the server, and open a transport to it."""
    listener = await anyio.create_tcp_listener(local_host=host)
    port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - not Django's
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, server.serve)
        async with PodTransport(address, account) as transport:
            yield transport
        group.cancel_scope.cancel()


async def post(transport: PodTransport, timeout_s: float = 10.0) -> Reply:
    """Send an object of one field, and ask for its metadata."""
    return await transport.send(
        "POST",
        "/things?a=b",
        body=b'{"c":1}',
        content_type="application/json",
        accept=METADATA,
        timeout_s=timeout_s,
    )


async def test_a_request_says_what_it_sends_and_wants_and_for_whom(account: Path) -> None:
    """The token without its line's end."""
    server = Server(ANSWER)
    async with connected(server, account) as transport:
        await post(transport)
    (head,) = server.heads
    assert head[0] == "POST /things?a=b HTTP/1.1"
    said = {"Authorization: Bearer secret", "Content-Type: application/json", "Content-Length: 7"}
    assert said | {f"Accept: {METADATA}"} <= set(head)


async def test_an_answer_comes_whole_with_its_headers_in_lower_case(account: Path) -> None:
    """As the port promises."""
    async with connected(Server(ANSWER), account) as transport:
        reply = await post(transport)
    assert (reply.status, reply.headers["retry-after"], reply.body) == (201, "7", b"{}")


async def test_a_server_of_ipv6_is_named_in_brackets(account: Path) -> None:
    """RFC 9110, section 7.2."""
    server = Server(ANSWER)
    async with connected(server, account, "::1") as transport:
        await post(transport)
        assert f"Host: {transport.server.removeprefix('http://')}" in server.heads[0]


async def test_a_server_that_does_not_answer_is_given_up_by_name(account: Path) -> None:
    """After the time that the call has."""
    async with connected(Server(b""), account) as transport:
        with pytest.raises(TransportError, match=r"http://127\.0\.0\.1:\d+ cannot be reached: \w+Timeout"):
            await post(transport, timeout_s=0.05)


async def test_a_connection_that_ends_before_the_answer_is_broken(account: Path) -> None:
    """Not an answer without a body."""
    async with connected(Server(b"", ends=True), account) as transport:
        with pytest.raises(TransportError, match="disconnected"):
            await post(transport)


async def test_a_server_that_is_not_there_is_told(account: Path) -> None:
    """Whose port nobody listens at any more."""
    async with connected(Server(ANSWER), account) as transport:
        gone = transport.server
    async with PodTransport(gone, account) as transport:
        with pytest.raises(TransportError, match="cannot be reached"):
            await post(transport)


async def test_a_stream_gives_what_has_come_and_tells_when_no_more_does(account: Path) -> None:
    """A watch whose server hangs; a second is more than a busy machine takes for what has come."""
    async with connected(Server(STREAM), account) as transport, transport.stream("/w", idle_timeout_s=1.0) as reply:
        assert await anext(reply.chunks) == b"abc"
        with pytest.raises(TransportError, match="ReadTimeout"):
            await anext(reply.chunks)


async def test_a_stream_that_is_cut_is_broken(account: Path) -> None:
    """A watch whose server dies between two chunks."""
    server = Server(STREAM, ends=True)
    async with connected(server, account) as transport, transport.stream("/w", idle_timeout_s=10.0) as reply:
        await anext(reply.chunks)
        with pytest.raises(TransportError, match="without sending complete message body"):
            await anext(reply.chunks)
