"""TLS connections to one server that go on with the session of an earlier one (RFC 8446, section 2.2).

A new session costs the server a signature, most of what a connection costs it; a fleet has thousands of connections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

__all__ = ("resume_sessions",)


def resume_sessions(context: ssl.SSLContext) -> None:
    """Have each connection of a client's context offer the session of the latest that has one.

    The context is for one server: a session is of no use to another one.
    """
    wrap_plainly = context.wrap_bio
    latest: ssl.SSLObject | None = None
    kept: ssl.SSLSession | None = None

    def wrap_bio(
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - the standard library's signature
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        nonlocal latest, kept
        # It is there only some time after the handshake, when the server has sent a ticket.
        found = None if latest is None else latest.session
        if found is not None and found.has_ticket:
            kept = found
        latest = wrap_plainly(incoming, outgoing, server_side, server_hostname, session or kept)
        return latest

    # On this one object: anyio hands a subclass's method to a thread.
    vars(context)["wrap_bio"] = wrap_bio
