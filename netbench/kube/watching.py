"""Following the objects of a path: list, watch, and list again when the server has forgotten where the watch was."""

from __future__ import annotations

import json
import random
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import urlencode

import anyio
import attrs

from netbench.errors import AccessDeniedError, ApiError, ClusterUnreachableError
from netbench.kube.api import DENIED_PATIENCE_S, error_from
from netbench.kube.transport import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from netbench.kube.api import JsonObject, KubeApi

__all__ = ("Change", "follow")

#: The server ends a watch after this long; a random part keeps thousands of watches from coming back together.
_WATCH_S = (240, 480)
#: Bookmarks come each minute, so a watch that is silent for longer hangs.
_IDLE_TIMEOUT_S = 75.0
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.05, 3.0
_PAGE = "500"
#: What is kept of an object that was told.
_KEPT = ("name", "namespace", "uid", "resourceVersion", "labels")
#: A watch from here on begins with everything that is in the server's memory.
_ANY_VERSION = "0"
#: How often a resource that is away is looked for.
_ABSENT_POLL_S = 1.0

Kind: TypeAlias = Literal["present", "deleted", "listed", "absent"]


@attrs.frozen
class Change:
    """Something that happened.

    Attributes:
        kind: ``present``: the object is there, new or changed; ``deleted``: it is not any more; ``listed``: all that
            were there have been told; ``absent``: the resource itself is not served, told again each second. An API
            server that has just started serves a custom one some seconds later.
        value: The object, empty for ``listed`` and ``absent``.
    """

    kind: Kind
    value: JsonObject


class _GoneError(Exception):
    """The server has forgotten the version from which to go on."""


async def follow(  # noqa: PLR0913 - what kinds of objects differ in
    api: KubeApi,
    path: str,
    take: Callable[[Change], None],
    *,
    params: Mapping[str, str] | None = None,
    idle_timeout_s: float = _IDLE_TIMEOUT_S,
    patience_s: float | None = None,
    may_be_absent: bool = False,
    lists: bool = True,
) -> None:
    """Tell every change of the objects of a path until cancelled; none is missed, though steps in between may be.

    Args:
        api: The API server.
        path: Of the collection.
        take: Called with each change.
        params: Selectors.
        idle_timeout_s: A watch that is silent for this long is made anew.
        patience_s: How long the server may be away before this gives up; None takes the client's own.
        may_be_absent: Whether the resource itself may come and go, as a custom one does with its definition. While it
            is away there are no objects of it.
        lists: Whether to begin with a list. Without one the watch itself tells what is there, from the server's memory,
            which costs the server one call less for each of thousands of workers; but nothing is told to be ``listed``,
            and what is deleted while the server has forgotten the watch is not told to be ``deleted``.

    Raises:
        ApiError: The server refuses.
        ClusterUnreachableError: It was away for too long.
    """
    follower = _Follower(api, path, take, params or {}, idle_timeout_s, patience_s)
    while True:
        try:
            if lists:
                await follower.list_all()
            else:
                follower.begin_anywhere()
            await follower.watch()
        except _GoneError:
            continue
        except ApiError as error:
            if not may_be_absent or error.status != HTTPStatus.NOT_FOUND:
                raise
            follower.take_absence()
            await anyio.sleep(_ABSENT_POLL_S)


class _Follower:
    def __init__(
        self,
        api: KubeApi,
        path: str,
        take: Callable[[Change], None],
        params: Mapping[str, str],
        idle_timeout_s: float,
        patience_s: float | None,
    ) -> None:
        self._api = api
        self._path = path
        self._take = take
        self._params = params
        self._idle_timeout_s = idle_timeout_s
        self._patience_s = patience_s
        self._known: dict[str, JsonObject] = {}
        self._labels: JsonObject = {}
        self._version = ""
        self._delay_s = 0.0
        self._denied_since: float | None = None

    async def list_all(self) -> None:
        """Tell what is there, page by page: read from JSON, thousands of pods take 30 KB each."""
        present: set[str] = set()
        page: dict[str, str] = {}
        while True:
            params = {**self._params, "limit": _PAGE, **page}
            try:
                listed = await self._api.call("GET", self._path, params=params, patience_s=self._patience_s)
            except ApiError as error:
                if error.status == HTTPStatus.GONE and page:
                    # The list changed too much between two of its pages.
                    present, page = set(), {}
                    continue
                raise
            for value in listed.get("items") or []:
                present.add(_place(value))
                self._take_present(value)
            self._version = listed["metadata"]["resourceVersion"]
            if not listed["metadata"].get("continue"):
                break
            page = {"continue": listed["metadata"]["continue"]}
        for place, value in list(self._known.items()):
            if place not in present:
                self._take_deleted(value)
        self._take(Change("listed", {}))

    def begin_anywhere(self) -> None:
        """Have the next watch begin with what the server knows to be there."""
        self._version = _ANY_VERSION

    def take_absence(self) -> None:
        """Tell that nothing is there any more, and why."""
        for value in list(self._known.values()):
            self._take_deleted(value)
        self._take(Change("absent", {}))

    async def watch(self) -> None:
        """Watch, again and again, from where the last one ended."""
        away_since: float | None = None
        while True:
            try:
                async with self._api.transport.stream(self._watch_path(), idle_timeout_s=self._idle_timeout_s) as reply:
                    if reply.status != HTTPStatus.OK:
                        await self._refuse(reply.status, b"".join([chunk async for chunk in reply.chunks]))
                    else:
                        away_since = None
                        self._denied_since = None
                        self._api.note_right("WATCH", self._path)
                        rest = b""
                        async for chunk in reply.chunks:
                            *lines, rest = (rest + chunk).split(b"\n")
                            for line in lines:
                                self._event(line)
                # The server ends each watch some time; one that ends at once every time is not to be asked in a hurry.
                await self._pause()
            except TransportError as error:
                away_since = anyio.current_time() if away_since is None else away_since
                if self._patience_s is not None and anyio.current_time() - away_since > self._patience_s:
                    msg = f"the API server {self._api.transport.server} is away: {error}"
                    raise ClusterUnreachableError(msg) from error
                await self._pause()

    def _watch_path(self) -> str:
        params = {
            **self._params,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(random.randint(*_WATCH_S)),  # noqa: S311 - not a secret
        }
        return f"{self._path}?{urlencode(params)}"

    async def _pause(self) -> None:
        await anyio.sleep(self._delay_s * random.uniform(0.5, 1.5))  # noqa: S311 - not a secret
        self._delay_s = min(max(self._delay_s * 2, _FIRST_DELAY_S), _LONGEST_DELAY_S)

    async def _refuse(self, status: int, body: bytes) -> None:
        if status == HTTPStatus.GONE:
            raise _GoneError
        error = error_from("WATCH", self._path, status, body)
        if isinstance(error, AccessDeniedError) and self._api.had_right("WATCH", self._path):
            # A server that has just started, see there.
            now = anyio.current_time()
            self._denied_since = now if self._denied_since is None else self._denied_since
            if now - self._denied_since > DENIED_PATIENCE_S:
                raise error
        elif isinstance(error, AccessDeniedError) or status in {400, 404, 405, 422}:
            raise error
        raise TransportError(str(error)) from error

    def _event(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            event: dict[str, Any] = json.loads(line)
            kind, value = event["type"], event["object"]
        except (ValueError, KeyError, TypeError) as error:
            msg = f"the API server {self._api.transport.server} sent what is no watch event: {line[:80]!r}"
            raise TransportError(msg) from error
        if kind == "ERROR":
            if value.get("code") == HTTPStatus.GONE or value.get("reason") in {"Expired", "Gone"}:
                raise _GoneError
            msg = f"the watch of {self._path} ended: {value.get('message')}"
            raise TransportError(msg)
        self._version = value["metadata"]["resourceVersion"]
        self._delay_s = 0.0
        if kind == "BOOKMARK":
            return
        if kind == "DELETED":
            self._take_deleted(value)
        else:
            self._take_present(value)

    def _take_present(self, value: JsonObject) -> None:
        place, metadata = _place(value), value["metadata"]
        before = self._known.get(place)
        if before is not None:
            if before["metadata"]["resourceVersion"] == metadata["resourceVersion"]:
                return
            if before["metadata"]["uid"] != metadata["uid"]:
                self._take_deleted(before)
        # Only what tells a later list apart is kept: thousands of objects are followed at once.
        self._known[place] = {"metadata": self._kept(metadata)}
        self._take(Change("present", value))

    def _kept(self, metadata: JsonObject) -> JsonObject:
        kept = {key: metadata[key] for key in _KEPT if key in metadata}
        if "labels" in kept:
            # Neighbours have the same ones; read from JSON, each has its own. To intern their texts is no way out: each
            # that is let go uses up Python's table of them, which then doubles.
            self._labels = self._labels if kept["labels"] == self._labels else kept["labels"]
            kept["labels"] = self._labels
        return kept

    def _take_deleted(self, value: JsonObject) -> None:
        self._known.pop(_place(value), None)
        self._take(Change("deleted", value))


def _place(value: JsonObject) -> str:
    """Give where an object is in its collection; another one may take its place."""
    return f"{value['metadata'].get('namespace', '')}/{value['metadata']['name']}"
