"""HTTP to the API server from inside of a pod."""

from __future__ import annotations

import os
import ssl
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

import anyio
import httpcore
from anyio import AsyncContextManagerMixin

from netbench.errors import BackendError
from netbench.kube.transport import WHOLE, Reply, StreamedReply, TransportError
from netbench.version import __version__
from netbench.worker.control.kubernetes.resumption import resume_sessions

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable
    from pathlib import Path
    from typing import Self

__all__ = ("PodTransport", "in_cluster_server")

#: As httpcore takes them.
_Headers: TypeAlias = "dict[str | bytes, str | bytes]"

#: The kubelet replaces the token long before it expires.
_TOKEN_AGE_S = 60.0
_CONNECT_TIMEOUT_S = 10.0
#: A connection that rests is kept for longer than most runs last, and less long than an API server keeps it (90 s):
#: each new one costs the server a signature.
_KEEP_ALIVE_S = 75.0
_BROKEN = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError)


def in_cluster_server() -> str:
    """Give the API server's address as pods know it.

    Raises:
        BackendError: This is no pod.
    """
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    if not host or not port:
        msg = "this process does not run in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"
        raise BackendError(msg)
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


class PodTransport(AsyncContextManagerMixin):
    """Implements :class:`netbench.kube.transport.Transport`.

    Args:
        server: The API server's address.
        account: The directory with the account's ``ca.crt`` and ``token``.
    """

    def __init__(self, server: str, account: Path) -> None:
        self._server = server
        self._account = account
        self._token = ""
        self._token_read_s = float("-inf")
        self._pool: httpcore.AsyncConnectionPool | None = None
        self._connecting = anyio.Lock()
        self._was_connected = False

    @property
    def server(self) -> str:
        """The API server's address."""
        return self._server

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self, None]:
        """Open the connection pool.

        Raises:
            BackendError: The account's files are not there.
        """
        try:
            context = ssl.create_default_context(cafile=str(self._account / "ca.crt"))
            # Python 3.13's default refuses authorities without a key usage, which clusters of every age have.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
            resume_sessions(context)
            self._authorization()
        except OSError as error:
            msg = f"the pod has no service account at {self._account}: {error}"
            raise BackendError(msg) from error
        async with httpcore.AsyncConnectionPool(context, max_connections=None, keepalive_expiry=_KEEP_ALIVE_S) as pool:
            self._pool = pool
            try:
                yield self
            finally:
                self._pool = None

    async def send(
        self, verb: str, path: str, *, body: bytes | None, content_type: str, timeout_s: float, accept: str = WHOLE
    ) -> Reply:
        """Make one request.

        Raises:
            TransportError: There was no whole answer within the time.
        """
        headers = self._headers(accept)
        if body is not None:
            headers["Content-Type"] = content_type
        timeouts = {"timeout": {"connect": timeout_s, "read": timeout_s, "write": timeout_s}}
        try:
            async with self._in_turn():
                reply = await self._opened.request(
                    verb, self._server + path, headers=headers, content=body, extensions=timeouts
                )
        except _BROKEN as error:
            raise self._broken(error) from error
        return Reply(status=reply.status, headers=_lower(reply.headers), body=reply.content)

    @asynccontextmanager
    async def stream(self, path: str, *, idle_timeout_s: float) -> AsyncGenerator[StreamedReply, None]:
        """Get a path whose answer does not end soon.

        Raises:
            TransportError: The connection could not be made, broke off, or was silent for too long.
        """
        url, headers = self._server + path, self._headers(WHOLE)
        timeouts = {"timeout": {"connect": _CONNECT_TIMEOUT_S, "read": idle_timeout_s, "write": idle_timeout_s}}
        try:
            async with AsyncExitStack() as stack:
                async with self._in_turn():
                    opened = self._opened.stream("GET", url, headers=headers, extensions=timeouts)
                    reply = await stack.enter_async_context(opened)
                yield StreamedReply(status=reply.status, headers=_lower(reply.headers), chunks=self._chunks(reply))
        except _BROKEN as error:
            raise self._broken(error) from error

    @asynccontextmanager
    async def _in_turn(self) -> AsyncGenerator[None, None]:
        """Make the first connection alone: the others, begun at the same time, go on with its session."""
        async with AsyncExitStack() as turn:
            if not self._was_connected:
                await turn.enter_async_context(self._connecting)
            if self._was_connected:
                await turn.aclose()
            yield
            self._was_connected = True

    async def _chunks(self, reply: httpcore.Response) -> AsyncIterator[bytes]:
        try:
            async for chunk in reply.aiter_stream():
                yield chunk
        except _BROKEN as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> TransportError:
        return TransportError(f"the API server {self._server} cannot be reached: {str(error) or type(error).__name__}")

    @property
    def _opened(self) -> httpcore.AsyncConnectionPool:
        if self._pool is None:
            msg = "the transport is not open"
            raise RuntimeError(msg)
        return self._pool

    def _headers(self, accept: str) -> _Headers:
        return {
            # httpcore's own has no brackets around an address of IPv6.
            "Host": urlsplit(self._server).netloc,
            "User-Agent": f"netbench/{__version__}",
            "Accept": accept,
            "Authorization": self._authorization(),
        }

    def _authorization(self) -> str:
        now = time.monotonic()
        if now - self._token_read_s > _TOKEN_AGE_S:
            self._token = (self._account / "token").read_text().strip()
            self._token_read_s = now
        return f"Bearer {self._token}"


def _lower(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
