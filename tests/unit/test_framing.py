"""Messages over a byte stream, however the bytes are split on their way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from anyio.abc import ByteStream
from hypothesis import given
from hypothesis import strategies as st

from netbench.errors import ProtocolError
from netbench.framing import FRAME_MAX_BYTES, FrameStream

if TYPE_CHECKING:
    from collections.abc import Sequence

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(st.text(), plain, max_size=3)


class Pipe(ByteStream):
    """Gives the chunks it was made with, one a call, and keeps what is sent.

    With ``slow`` it lets other tasks run in the middle of each send.
    """

    def __init__(self, chunks: Sequence[bytes] = (), *, slow: bool = False) -> None:
        self.chunks = [chunk for chunk in chunks if chunk]
        self.sent = b""
        self.closed = False
        self._slow = slow

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Give the next chunk, or as much of it as is asked for."""
        if not self.chunks:
            raise anyio.EndOfStream
        chunk = self.chunks.pop(0)
        if chunk[max_bytes:]:
            self.chunks.insert(0, chunk[max_bytes:])
        return chunk[:max_bytes]

    async def send(self, item: bytes) -> None:
        """Keep the bytes."""
        half = len(item) // 2
        self.sent += item[:half]
        if self._slow:
            await anyio.lowlevel.checkpoint()
        self.sent += item[half:]

    async def send_eof(self) -> None:
        """Do nothing: a FrameStream closes as a whole."""

    async def aclose(self) -> None:
        """Note it."""
        self.closed = True


def frame(body: bytes) -> bytes:
    """Put the length before a body."""
    return len(body).to_bytes(4, "big") + body


def sent(messages: Sequence[dict[str, Any]]) -> bytes:
    """Give the bytes of these messages as they are sent."""

    async def send_all() -> bytes:
        pipe = Pipe()
        stream = FrameStream(pipe)
        for message in messages:
            await stream.send(message)
        return pipe.sent

    return anyio.run(send_all)


def received(chunks: Sequence[bytes], count: int = 1, limit_bytes: int = FRAME_MAX_BYTES) -> list[dict[str, Any]]:
    """Give the messages that are received from these chunks."""

    async def receive_all() -> list[dict[str, Any]]:
        stream = FrameStream(Pipe(chunks), limit_bytes=limit_bytes)
        return [await stream.receive() for _ in range(count)]

    return anyio.run(receive_all)


def split(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Cut bytes at these places."""
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


@given(st.lists(objects, max_size=4), st.lists(st.integers(min_value=0), max_size=20))
def test_messages_arrive_whole_however_their_bytes_are_split(messages: list[dict[str, Any]], places: list[int]) -> None:
    """Within the length, within a body, several in one chunk."""
    assert received(split(sent(messages), places), len(messages)) == messages


@given(objects)
def test_messages_arrive_byte_by_byte(message: dict[str, Any]) -> None:
    """The slowest of all networks."""
    data = sent([message])
    assert received([data[place : place + 1] for place in range(len(data))]) == [message]


@given(objects)
def test_a_message_is_its_length_and_json(message: dict[str, Any]) -> None:
    """Four bytes, big-endian, then UTF-8."""
    data = sent([message])
    assert (int.from_bytes(data[:4], "big"), json.loads(data[4:].decode())) == (len(data) - 4, message)


@given(objects, st.data())
def test_an_end_within_a_message_is_no_end_of_stream(message: dict[str, Any], data: st.DataObject) -> None:
    """A cut message is told apart from a connection that was closed in time."""
    whole = sent([message])
    with pytest.raises(anyio.IncompleteRead):
        received([whole[: data.draw(st.integers(1, len(whole) - 1))]])


def test_an_end_between_two_messages_is_one_of_the_stream() -> None:
    """The other side has closed."""
    with pytest.raises(anyio.EndOfStream):
        received([frame(b"{}")], count=2)


def test_a_message_of_the_greatest_length_is_taken() -> None:
    """The limit belongs to the range."""
    assert received([frame(b'{"a":1}')], limit_bytes=7) == [{"a": 1}]


def test_a_message_that_is_too_long_is_refused() -> None:
    """The message gives both numbers."""
    with pytest.raises(ProtocolError, match=r"^a message of 7 bytes was announced, at most 6 are taken$"):
        received([frame(b'{"a":1}')], limit_bytes=6)


def test_a_message_that_is_too_long_is_refused_before_it_arrives() -> None:
    """Nobody waits for four gigabytes; without the refusal this would be an incomplete read."""
    with pytest.raises(ProtocolError, match=r"^a message of 4294967295 bytes was announced"):
        received([b"\xff\xff\xff\xff"])


@pytest.mark.parametrize("body", [b"", b"{", b"GET / HTTP/1.1", b"{'a': 1}", b'{"a": "\xff"}', b"\x00"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """The message shows what came."""
    with pytest.raises(ProtocolError, match=r"^a message is not JSON: b"):
        received([frame(body)])


def test_only_the_beginning_of_what_is_no_json_is_shown() -> None:
    """A log is no place for megabytes."""
    with pytest.raises(ProtocolError) as caught:
        received([frame(b"x" * 10_000)])
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("body", [b"[]", b"null", b"3", b'"text"', b"true"])
def test_json_without_an_object_at_the_top_is_refused(body: bytes) -> None:
    """Every message is an object."""
    with pytest.raises(ProtocolError, match=r"^a message is not a JSON object: b"):
        received([frame(body)])


@given(st.binary(max_size=40))
def test_other_bytes_end_in_a_known_error(data: bytes) -> None:
    """Somebody else's protocol does no harm."""
    with pytest.raises((ProtocolError, anyio.IncompleteRead, anyio.EndOfStream)):
        received([data], count=20)


def test_messages_of_several_senders_are_not_mixed() -> None:
    """One at a time is let through, though each send is interrupted."""
    messages: list[dict[str, Any]] = [{"sender": place} for place in range(5)]

    async def send_together() -> bytes:
        pipe = Pipe(slow=True)
        stream = FrameStream(pipe)
        async with anyio.create_task_group() as group:
            for message in messages:
                group.start_soon(stream.send, message)
        return pipe.sent

    assert received([anyio.run(send_together)], len(messages)) == messages


def test_closing_closes_the_connection() -> None:
    """The stream is owned."""

    async def close() -> bool:
        pipe = Pipe()
        await FrameStream(pipe).aclose()
        return pipe.closed

    assert anyio.run(close)
