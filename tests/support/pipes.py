"""Byte streams in memory."""

from __future__ import annotations

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream

__all__ = ("pipe",)


class _Sender(ByteSendStream):
    def __init__(self, stream: anyio.abc.ObjectSendStream[bytes]) -> None:
        self._stream = stream

    async def send(self, item: bytes) -> None:
        await self._stream.send(item)

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Receiver(ByteReceiveStream):
    def __init__(self, stream: anyio.abc.ObjectReceiveStream[bytes]) -> None:
        self._stream = stream
        self._rest = b""

    async def receive(self, max_bytes: int = 65536) -> bytes:
        item = self._rest or await self._stream.receive()
        self._rest = item[max_bytes:]
        return item[:max_bytes]

    async def aclose(self) -> None:
        await self._stream.aclose()


def pipe() -> tuple[ByteSendStream, ByteReceiveStream]:
    """Give both ends of a stream that goes one way."""
    send, receive = anyio.create_memory_object_stream[bytes](float("inf"))
    return _Sender(send), _Receiver(receive)
