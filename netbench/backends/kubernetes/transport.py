"""HTTP to the API server with the user's credentials."""

from __future__ import annotations

import io
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import anyio
from kubernetes_asyncio.client import ApiClient

from netbench.kube.transport import WHOLE, Reply, StreamedReply, TransportError
from netbench.version import __version__

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from netbench.backends.kubernetes.credentials import Access

__all__ = ("ClientTransport", "open_transport")

_CONNECT_TIMEOUT_S = 10.0
_CLOSE_TIMEOUT_S = 5.0
_BROKEN = (aiohttp.ClientError, TimeoutError, OSError)


class ClientTransport:
    """Implements :class:`netbench.kube.transport.Transport`; made by :func:`open_transport`."""

    def __init__(self, client: ApiClient, context: str) -> None:
        self._client = client
        self._context = context

    @property
    def server(self) -> str:
        """The API server's address and the context."""
        return f"{self._client.configuration.host} (context {self._context})"

    async def send(
        self, verb: str, path: str, *, body: bytes | None, content_type: str, timeout_s: float, accept: str = WHOLE
    ) -> Reply:
        """Make one request.

        Raises:
            TransportError: There was no whole answer within the time.
        """
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_TIMEOUT_S)
        try:
            reply = await self._call(verb, path, timeout, body, {"Accept": accept, "Content-Type": content_type})
            async with reply:
                return Reply(status=reply.status, headers=_lower(reply.headers), body=await reply.read())
        except _BROKEN as error:
            raise self._broken(error) from error

    @asynccontextmanager
    async def stream(self, path: str, *, idle_timeout_s: float) -> AsyncIterator[StreamedReply]:
        """Get a path whose answer does not end soon.

        Raises:
            TransportError: The connection could not be made, broke off, or was silent for too long.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=idle_timeout_s)
        try:
            reply = await self._call("GET", path, timeout, None, {"Accept": WHOLE})
        except _BROKEN as error:
            raise self._broken(error) from error
        try:
            yield StreamedReply(status=reply.status, headers=_lower(reply.headers), chunks=self._chunks(reply))
        finally:
            # Not given back to the pool: the server would go on sending.
            reply.close()

    async def _chunks(self, reply: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        try:
            async for chunk, _ in reply.content.iter_chunks():
                yield chunk
        except _BROKEN as error:
            raise self._broken(error) from error

    async def _call(
        self, verb: str, path: str, limits: aiohttp.ClientTimeout, body: bytes | None, headers: dict[str, Any]
    ) -> aiohttp.ClientResponse:
        await self._client.update_params_for_auth(headers, [], ["BearerToken"])
        rest = self._client.rest_client
        arguments: dict[str, Any] = {"proxy": rest.proxy, "proxy_headers": rest.proxy_headers}
        if rest.server_hostname:
            arguments["server_hostname"] = rest.server_hostname
        # The session and not the generated client, which has no way to send JSON that is already written.
        return await rest.pool_manager.request(
            verb,
            f"{self._client.configuration.host}{path}",
            # A megabyte of workers' code as bytes aiohttp warns of.
            data=None if body is None else io.BytesIO(body),
            headers=headers,
            timeout=limits,
            **{name: value for name, value in arguments.items() if value},
        )

    def _broken(self, error: BaseException) -> TransportError:
        return TransportError(f"the API server {self.server} cannot be reached: {str(error) or type(error).__name__}")


@asynccontextmanager
async def open_transport(access: Access) -> AsyncIterator[ClientTransport]:
    """Open one client with one pool of connections."""
    # Watches hold a connection each, and must not starve the calls.
    access.configuration.connection_pool_maxsize = 0
    client = ApiClient(access.configuration)
    client.user_agent = f"netbench/{__version__}"
    try:
        yield ClientTransport(client, access.context)
    finally:
        # Shielded, or a cancellation would take the place of what is to be said of a removal that failed.
        with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
            await client.close()


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
