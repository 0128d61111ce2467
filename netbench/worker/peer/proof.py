"""How two workers prove to each other that they are of one fleet, without saying the fleet's key.

::

    server -> client   challenge   a fresh nonce S
    client -> server   proof       a fresh nonce C, and HMAC-SHA256(key, "client" S C)
    server -> client   welcome     HMAC-SHA256(key, "server" S C)

Both then know HMAC-SHA256(key, "cookie" S C), whose first bytes are the cookie that the session's data connections
show.
Nothing of an earlier handshake is of use in another one, since both sides choose a nonce.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Any

from netbench.errors import ProtocolError
from netbench.worker.drivers.base import COOKIE_BYTES

if TYPE_CHECKING:
    from netbench.framing import FrameStream

__all__ = ("HANDSHAKE_LIMIT_BYTES", "KEY_BYTES", "StrangerError", "challenge", "prove")

KEY_BYTES = 32
#: No message of a handshake is longer; whoever announces more is a stranger.
HANDSHAKE_LIMIT_BYTES = 512
_NONCE_BYTES = 16


class StrangerError(ProtocolError):
    """The other side did not prove that it is of this fleet."""


async def challenge(frames: FrameStream, key: bytes) -> bytes:
    """Have the client prove itself, and give the session's cookie; the server's part.

    Raises:
        StrangerError: It could not.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    await frames.send({"kind": "challenge", "nonce": nonce.hex()})
    try:
        answer = await frames.receive()
    except ProtocolError as error:
        raise StrangerError(str(error)) from error
    theirs = _bytes(answer, "proof", "nonce", _NONCE_BYTES)
    if not hmac.compare_digest(_bytes(answer, "proof", "proof"), _digest(key, b"client", nonce, theirs)):
        msg = "a client does not have the fleet's key"
        raise StrangerError(msg)
    await frames.send({"kind": "welcome", "proof": _digest(key, b"server", nonce, theirs).hex()})
    return _digest(key, b"cookie", nonce, theirs)[:COOKIE_BYTES]


async def prove(frames: FrameStream, key: bytes) -> bytes:
    """Prove oneself to the server, have it do the same, and give the session's cookie; the client's part.

    Raises:
        StrangerError: The server does not have the key.
    """
    asked = _bytes(await frames.receive(), "challenge", "nonce", _NONCE_BYTES)
    nonce = secrets.token_bytes(_NONCE_BYTES)
    await frames.send({"kind": "proof", "nonce": nonce.hex(), "proof": _digest(key, b"client", asked, nonce).hex()})
    welcome = await frames.receive()
    if not hmac.compare_digest(_bytes(welcome, "welcome", "proof"), _digest(key, b"server", asked, nonce)):
        msg = "the server does not have the fleet's key"
        raise StrangerError(msg)
    return _digest(key, b"cookie", asked, nonce)[:COOKIE_BYTES]


def _digest(key: bytes, purpose: bytes, server_nonce: bytes, client_nonce: bytes) -> bytes:
    return hmac.digest(key, purpose + server_nonce + client_nonce, hashlib.sha256)


def _bytes(message: dict[str, Any], kind: str, name: str, length: int = hashlib.sha256().digest_size) -> bytes:
    try:
        value = bytes.fromhex(message[name]) if message["kind"] == kind else b""
    except (KeyError, ValueError, TypeError) as error:
        msg = f"a {kind} was due in the handshake of two workers, not {str(message)[:80]}"
        raise StrangerError(msg) from error
    if len(value) != length:
        msg = f"the {name} of a {message['kind']} has {len(value)} bytes, where a {kind} with {length} was due"
        raise StrangerError(msg)
    return value
