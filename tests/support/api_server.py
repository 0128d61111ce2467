"""An API server's answers, as a test writes them down."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import anyio

from netbench.backends.kubernetes.objects import merged
from netbench.kube.transport import Reply, StreamedReply, TransportError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

__all__ = ("FakeApiServer", "ScriptedServer", "event", "listing", "thing")


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


class FakeApiServer:
    """An API server in memory: what netbench asks of one, for objects of any kind, with watches from any version."""

    def __init__(self) -> None:
        self.server = "https://fake"
        self._objects: dict[str, dict[str, Any]] = {}
        self._log: list[tuple[str, dict[str, Any]]] = []
        self._changed = anyio.Event()

    async def send(self, verb: str, path: str, *, body: bytes | None, **_: object) -> Reply:
        """Answer a call."""
        path, _mark, query = path.partition("?")
        params = dict(parse_qsl(query))
        value = json.loads(body) if body else None
        status, answer = getattr(self, f"_{verb.lower()}")(path, params, value)
        return Reply(status=status, headers={}, body=json.dumps(answer).encode())

    @asynccontextmanager
    async def stream(self, path: str, *, idle_timeout_s: float) -> AsyncIterator[StreamedReply]:
        """Answer a watch."""
        del idle_timeout_s
        path, _, query = path.partition("?")
        yield StreamedReply(status=200, headers={}, chunks=self._watch(path, dict(parse_qsl(query))))

    async def _watch(self, path: str, params: dict[str, str]) -> AsyncIterator[bytes]:
        seen = int(params["resourceVersion"])
        while True:
            changed = self._changed
            for kind, value in self._log[seen:]:
                if _collection(value["path"]) == path and _matches(value["object"], params):
                    yield json.dumps(event(kind, value["object"])).encode() + b"\n"
            seen = len(self._log)
            await changed.wait()

    def _get(self, path: str, params: dict[str, str], _: Any) -> tuple[int, Any]:  # noqa: ANN401 - JSON
        if path in self._objects:
            return 200, self._objects[path]
        mine = [each for at, each in self._objects.items() if _collection(at) == path and _matches(each, params)]
        if mine or path.endswith("s"):
            return listing(len(self._log), *mine)
        return 404, {"reason": "NotFound"}

    def _post(self, path: str, _: dict[str, str], value: Any) -> tuple[int, Any]:  # noqa: ANN401 - JSON
        at = f"{path}/{value['metadata']['name']}"
        if at in self._objects:
            return 409, {"reason": "AlreadyExists"}
        value["metadata"]["uid"] = f"uid-{len(self._log)}"
        return 201, self._note("ADDED", at, value)

    def _patch(self, path: str, _: dict[str, str], value: Any) -> tuple[int, Any]:  # noqa: ANN401 - JSON
        at = path.removesuffix("/status")
        if at not in self._objects:
            return 404, {"reason": "NotFound"}
        return 200, self._note("MODIFIED", at, merged(self._objects[at], value))

    def _delete(self, path: str, params: dict[str, str], _: Any) -> tuple[int, Any]:  # noqa: ANN401 - JSON
        gone = [at for at, each in self._objects.items() if path in {at, _collection(at)} and _matches(each, params)]
        for at in gone:
            self._note("DELETED", at, self._objects[at])
            del self._objects[at]
        return (200, {}) if gone else (404, {"reason": "NotFound"})

    def _note(self, kind: str, at: str, value: dict[str, Any]) -> dict[str, Any]:
        kept = json.loads(json.dumps(value))
        kept["metadata"]["resourceVersion"] = str(len(self._log) + 1)
        self._objects[at] = kept
        self._log.append((kind, {"path": at, "object": kept}))
        self._changed.set()
        self._changed = anyio.Event()
        return dict(kept)


def _collection(path: str) -> str:
    return path.rpartition("/")[0]


def _matches(value: dict[str, Any], params: dict[str, str]) -> bool:
    name = params.get("fieldSelector", "").removeprefix("metadata.name=")
    labels = value["metadata"].get("labels") or {}
    wanted = [each.partition("=") for each in params.get("labelSelector", "").split(",") if each]
    return name in {"", value["metadata"]["name"]} and all(labels.get(key) == text for key, _, text in wanted)
