"""Who has the fleet's key is let in, and nobody else."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import pytest
from anyio.streams.stapled import StapledByteStream

from netbench.framing import FrameStream
from netbench.worker.peer.proof import HANDSHAKE_LIMIT_BYTES, StrangerError, challenge, prove
from tests.support.pipes import pipe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

pytestmark = pytest.mark.anyio
KEY, OTHER = bytes(32), bytes([1] * 32)


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[FrameStream, FrameStream]]:
    """Give both ends of a connection."""
    (one_sends, other_receives), (other_sends, one_receives) = pipe(), pipe()
    one = FrameStream(StapledByteStream(one_sends, one_receives), limit_bytes=HANDSHAKE_LIMIT_BYTES)
    other = FrameStream(StapledByteStream(other_sends, other_receives))
    try:
        yield one, other
    finally:
        await one.aclose()
        await other.aclose()


async def outcome_of(call: Awaitable[bytes], into: list[bytes | str]) -> None:
    """Note what a handshake gives."""
    try:
        into.append(await call)
    except StrangerError as error:
        into.append(str(error))


async def handshake(server_key: bytes, client_key: bytes) -> list[bytes | str]:
    """Let both try, and give what the server saw."""
    seen: list[bytes | str] = []
    theirs: list[bytes | str] = []
    with anyio.move_on_after(5):
        async with connected() as (server, client), anyio.create_task_group() as group:
            group.start_soon(outcome_of, prove(client, client_key), theirs)
            await outcome_of(challenge(server, server_key), seen)
            if isinstance(seen[0], str):
                group.cancel_scope.cancel()
    return seen + theirs


async def test_both_sides_of_one_fleet_get_the_same_cookie() -> None:
    """Which was not sent."""
    server, client = await handshake(KEY, KEY)
    assert isinstance(server, bytes)
    assert server == client


async def test_no_two_sessions_have_the_same_cookie() -> None:
    """Both sides choose a number each time."""
    assert (await handshake(KEY, KEY))[0] != (await handshake(KEY, KEY))[0]


async def test_another_fleets_client_is_a_stranger() -> None:
    """It cannot answer the challenge."""
    assert await handshake(KEY, OTHER) == ["a client does not have the fleet's key"]


async def test_a_recorded_proof_is_worth_nothing_in_another_session() -> None:
    """The challenge is another one."""
    async with connected() as (server, client), anyio.create_task_group() as group:
        cookies: list[bytes | str] = []
        group.start_soon(outcome_of, challenge(server, KEY), cookies)
        asked = await client.receive()
        await client.send({"kind": "proof", "nonce": "00" * 16, "proof": asked["nonce"] * 2})
    assert cookies == ["a client does not have the fleet's key"]


async def test_garbage_is_a_stranger() -> None:
    """Whatever it is."""
    async with connected() as (server, client), anyio.create_task_group() as group:
        cookies: list[bytes | str] = []
        group.start_soon(outcome_of, challenge(server, KEY), cookies)
        await client.receive()
        await client.send({"kind": "proof", "nonce": 7})
    assert "was due in the handshake" in str(cookies[0])
