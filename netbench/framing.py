"""JSON messages over a byte stream: four bytes of length, big-endian, then UTF-8 JSON with an object at the top."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from netbench.errors import ProtocolError

if TYPE_CHECKING:
    from anyio.abc import ByteStream

__all__ = ("FRAME_MAX_BYTES", "GONE", "FrameStream", "refuse_constant")

#: What it raises when the other side is gone, or this one has closed it.
GONE = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.IncompleteRead, anyio.ClosedResourceError)

FRAME_MAX_BYTES = 16 * 2**20
_HEADER_BYTES = 4


def refuse_constant(word: str) -> float:
    """Refuse ``NaN`` and ``Infinity``, which Python's JSON takes and JSON does not have.

    Raises:
        ValueError: Always.
    """
    msg = f"{word} is no JSON"
    raise ValueError(msg)


class FrameStream:
    """Sends and receives JSON objects over a byte stream, which it owns. One sender at a time is let through."""

    def __init__(self, stream: ByteStream, *, limit_bytes: int = FRAME_MAX_BYTES) -> None:
        self._stream = stream
        self._buffered = BufferedByteReceiveStream(stream)
        #: The longest message that is taken; raised once the other side has proved who it is.
        self.limit_bytes = limit_bytes
        self._sending = anyio.Lock()

    async def send(self, message: dict[str, Any]) -> None:
        """Send one object.

        Raises:
            anyio.BrokenResourceError: The connection is gone.
            ProtocolError: The message is longer than the other side takes.
        """
        body = json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
        if len(body) > FRAME_MAX_BYTES:
            msg = f"a message of {len(body)} bytes is too long, at most {FRAME_MAX_BYTES} are taken"
            raise ProtocolError(msg)
        async with self._sending:
            await self._stream.send(len(body).to_bytes(_HEADER_BYTES, "big") + body)

    async def receive(self) -> dict[str, Any]:
        """Receive one object.

        Raises:
            anyio.EndOfStream: The other side closed between two messages.
            anyio.BrokenResourceError: The connection is gone.
            anyio.IncompleteRead: It closed within a message.
            ProtocolError: What came is not a message.
        """
        first = await self._buffered.receive(1)
        length = int.from_bytes(first + await self._buffered.receive_exactly(_HEADER_BYTES - 1), "big")
        if length > self.limit_bytes:
            msg = f"a message of {length} bytes was announced, at most {self.limit_bytes} are taken"
            raise ProtocolError(msg)
        body = await self._buffered.receive_exactly(length)
        try:
            message = json.loads(body.decode("utf-8"), parse_constant=refuse_constant)
        except (ValueError, RecursionError) as error:
            msg = f"a message is not JSON: {body[:80]!r}"
            raise ProtocolError(msg) from error
        if not isinstance(message, dict):
            msg = f"a message is not a JSON object: {body[:80]!r}"
            raise ProtocolError(msg)
        return message

    async def send_eof(self) -> None:
        """Say that nothing more will be sent, and go on receiving."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()
