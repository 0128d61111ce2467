"""What carries HTTP to an API server: a port with one implementation in the controller and one in the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

from netbench.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager

__all__ = ("METADATA", "METADATA_OF_LIST", "WHOLE", "Reply", "StreamedReply", "Transport", "TransportError")

#: How an answer is asked for: whole, or, where the caller knows the rest, an object's metadata or that of several. A
#: server that cannot leave something out gives all of it.
WHOLE = "application/json"
METADATA = f"application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,{WHOLE}"
METADATA_OF_LIST = f"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,{WHOLE}"


class TransportError(BackendError):
    """The API server could not be reached, or the connection to it broke off or hangs."""


@attrs.frozen(kw_only=True)
class Reply:
    """An answer.

    Attributes:
        status: HTTP's status code.
        headers: By lower-case name.
        body: The whole body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@attrs.frozen(kw_only=True)
class StreamedReply:
    """An answer whose body is still coming.

    Attributes:
        status: HTTP's status code.
        headers: By lower-case name.
        chunks: The body as it arrives; raises :class:`TransportError` when the connection breaks or is idle for too
            long.
    """

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class Transport(Protocol):
    """Carries HTTP to one API server, with the right credentials."""

    @property
    def server(self) -> str:
        """The API server's address, for messages."""
        ...

    async def send(
        self, verb: str, path: str, *, body: bytes | None, content_type: str, timeout_s: float, accept: str = WHOLE
    ) -> Reply:
        """Make one request.

        Raises:
            TransportError: There was no whole answer within the time.
        """
        ...

    def stream(self, path: str, *, idle_timeout_s: float) -> AbstractAsyncContextManager[StreamedReply]:
        """Get a path whose answer does not end soon.

        Raises:
            TransportError: There was no beginning of an answer within the time.
        """
        ...
