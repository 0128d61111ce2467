"""An API server's answers, as a test writes them down."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio

from netbench.kube.transport import Reply, StreamedReply, TransportError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

__all__ = ("ScriptedServer", "event", "listing", "thing")


class ScriptedServer:
    """A transport that gives answers in turn; the last answer to a watch stays open for ever.

    Args:
        replies: Answers to calls: a status and a body, or an error.
        watches: Answers to watches: a status and the events before the server ends it.
    """

    def __init__(
        self, replies: list[tuple[int, Any] | TransportError], watches: Sequence[tuple[int, list[Any]]] = ()
    ) -> None:
        self.server = "https://scripted"
        self.asked: list[str] = []
        self._replies = list(replies)
        self._watches = list(watches)
        self.headers: dict[str, str] = {}

    async def send(self, verb: str, path: str, **_: object) -> Reply:
        """Give the next answer."""
        self.asked.append(f"{verb} {path}")
        answer = self._replies.pop(0)
        if isinstance(answer, TransportError):
            raise answer
        return Reply(status=answer[0], headers=self.headers, body=json.dumps(answer[1]).encode())

    @asynccontextmanager
    async def stream(self, path: str, *, idle_timeout_s: float) -> AsyncIterator[StreamedReply]:
        """Give the next watch."""
        del idle_timeout_s
        self.asked.append(f"WATCH {path}")
        status, events = self._watches.pop(0)
        yield StreamedReply(status=status, headers={}, chunks=self._chunks(status, events))

    async def _chunks(self, status: int, events: list[Any]) -> AsyncIterator[bytes]:
        text = b"".join(json.dumps(each).encode() + b"\n" for each in events)
        # In pieces that do not end where lines do.
        for start in range(0, len(text), 7):
            yield text[start : start + 7]
        if status == 200 and not self._watches:
            await anyio.sleep_forever()


def thing(name: str, version: int) -> dict[str, Any]:
    """Give an object."""
    return {"metadata": {"name": name, "uid": name, "resourceVersion": str(version)}}


def listing(version: int, *things: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Give the answer to a list."""
    return 200, {"metadata": {"resourceVersion": str(version)}, "items": list(things)}


def event(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    """Give an event of a watch."""
    return {"type": kind, "object": value}
