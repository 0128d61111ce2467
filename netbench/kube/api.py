"""Calls to an API server: JSON in and out, errors by name, patience with a server that is busy or restarting."""

from __future__ import annotations

import json
import random
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import urlencode

import anyio

from netbench.errors import AccessDeniedError, ApiError, ClusterUnreachableError
from netbench.kube.transport import METADATA, METADATA_OF_LIST, WHOLE, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netbench.kube.transport import Transport

__all__ = ("DENIED_PATIENCE_S", "JsonObject", "KubeApi", "error_from")

JsonObject: TypeAlias = dict[str, Any]
Verb: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

#: Answers that say "not now": too many requests, etcd in trouble, a server that starts or ends.
_NOT_NOW = frozenset({429, 500, 502, 503, 504})
#: How long a refusal may be a server that has not heard yet of what it has been told: of Roles that it has not read
#: since it started, or what is in ``_NOT_HEARD``.
DENIED_PATIENCE_S = 15.0
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.2, 5.0
#: A busy server took 20 ms for each of thousands of pods, and ends a call whose caller is gone.
_DELETED_AT_ONCE = "200"
#: A refusal for want of a right, the caller's own or one that it would hand on. What else is forbidden, by a quota or a
#: policy, no right would change.
_ABOUT_RIGHTS = re.compile(r'User "[^"]*" cannot |attempting to grant RBAC permissions')
#: A quota that was just made is not counted, and a Role that was just made not known to whoever checks a binding to it.
_NOT_HEARD = re.compile(r'status unknown for quota|roles\.rbac\.authorization\.k8s\.io "[^"]*" not found')
_PATCHES = {"merge": "application/merge-patch+json", "strategic": "application/strategic-merge-patch+json"}


class KubeApi:
    """Calls one API server.

    Args:
        transport: What carries HTTP to it.
        timeout_s: How long one request may take.
        patience_s: How long a call is tried again while the server cannot be reached or says "not now".
        sure_of_rights: Whether the rights are known to be there, so that a refusal means that the server does not know
            them yet.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        timeout_s: float = 15.0,
        patience_s: float = 45.0,
        sure_of_rights: bool = False,
    ) -> None:
        self.transport = transport
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._sure_of_rights = sure_of_rights
        self._allowed: set[tuple[str, str]] = set()

    def had_right(self, verb: str, path: str) -> bool:
        """Whether a call like this one was allowed before, or must be.

        An API server that has just started refuses what it will allow a second later, when it has read the Roles.
        """
        return self._sure_of_rights or (verb, _collection(path)) in self._allowed

    def note_right(self, verb: str, path: str) -> None:
        """Remember that a call like this one was allowed."""
        self._allowed.add((verb, _collection(path)))

    async def call(  # noqa: PLR0913 - what calls differ in
        self,
        verb: Verb,
        path: str,
        body: object = None,
        *,
        params: Mapping[str, str] | None = None,
        patch: Literal["merge", "strategic"] = "merge",
        accept: str = WHOLE,
        patience_s: float | None = None,
    ) -> JsonObject:
        """Make a call and give the object that was answered.

        It is made again, with growing pauses or those that the server asks for, while that can help.

        Args:
            verb: HTTP's.
            path: From ``/`` on.
            body: What is sent, as JSON.
            params: The query.
            patch: The kind of patch, for ``PATCH``.
            accept: How much of the object is answered, see :mod:`netbench.kube.transport`.
            patience_s: Overrides the client's.

        Raises:
            AccessDeniedError: A right is missing.
            ApiError: The server refused for another reason.
            ClusterUnreachableError: It could not be reached, or had no time, for as long as the patience lasted.
        """
        patience_s = self._patience_s if patience_s is None else patience_s
        began = anyio.current_time()
        deadline = began + patience_s
        full = f"{path}?{urlencode(params)}" if params else path
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        content_type = _PATCHES[patch] if verb == "PATCH" else "application/json"
        delay_s = _FIRST_DELAY_S
        while True:
            wait_s = delay_s * random.uniform(0.5, 1.5)  # noqa: S311 - not a secret
            cause: TransportError | ApiError
            try:
                # Whoever is cancelled removes what was made; what is just being made must be there by then.
                with anyio.CancelScope(shield=verb == "POST"):
                    reply = await self.transport.send(
                        verb, full, body=data, content_type=content_type, accept=accept, timeout_s=self._timeout_s
                    )
            except TransportError as error:
                cause = error
            else:
                if reply.status < HTTPStatus.MULTIPLE_CHOICES:
                    self.note_right(verb, path)
                    return _parsed(reply.body)
                cause = error_from(verb, path, reply.status, reply.body)
                if self._may_pass(cause):
                    deadline = min(deadline, began + DENIED_PATIENCE_S)
                elif reply.status not in _NOT_NOW:
                    raise cause
                wait_s = max(wait_s, _asked_s(reply.headers))
            if anyio.current_time() + wait_s > deadline:
                if isinstance(cause, ApiError) and cause.status not in _NOT_NOW:
                    raise cause
                msg = f"the API server {self.transport.server} did not take {verb} {path} for {patience_s:g} s: {cause}"
                raise ClusterUnreachableError(msg) from cause
            await anyio.sleep(wait_s)
            delay_s = min(delay_s * 2, _LONGEST_DELAY_S)

    def _may_pass(self, refusal: ApiError) -> bool:
        """Whether the server may only not have heard yet of what makes it take the call."""
        if isinstance(refusal, AccessDeniedError):
            return self.had_right(refusal.verb, refusal.path)
        return refusal.verb == "POST" and _NOT_HEARD.search(str(refusal)) is not None

    async def get(self, path: str, **params: str) -> JsonObject | None:
        """Get an object; None where there is none."""
        try:
            return await self.call("GET", path, params=params)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def create(self, path: str, body: JsonObject) -> JsonObject:
        """Create an object whose name the caller has chosen and nobody else uses, and give its metadata.

        A first attempt whose answer was lost may have created it: that it is there already is then what was wanted.
        """
        try:
            return await self.call("POST", path, body, accept=METADATA)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            name = body["metadata"]["name"]
            return await self.call("GET", f"{path}/{name}", accept=METADATA)

    async def delete(self, path: str, **params: str) -> None:
        """Delete an object; that it is not there is fine."""
        try:
            await self.call("DELETE", path, params=params, accept=METADATA)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    async def delete_all(self, path: str, **params: str) -> None:
        """Delete all objects of a collection that the selectors select, so many in a call as it has the time for."""
        page: dict[str, str] = {}
        while True:
            try:
                deleted = await self.call(
                    "DELETE", path, params={**params, "limit": _DELETED_AT_ONCE, **page}, accept=METADATA_OF_LIST
                )
            except ApiError as error:
                if error.status == HTTPStatus.GONE and page:
                    # Too much has changed since the first page for the server to go on from there.
                    page = {}
                    continue
                if error.status == HTTPStatus.NOT_FOUND:
                    return
                raise
            following = (deleted.get("metadata") or {}).get("continue")
            if not following:
                return
            page = {"continue": following}


def error_from(verb: str, path: str, status: int, body: bytes) -> ApiError:
    """Make the error of an answer that is no success."""
    told = _parsed(body)
    message = str(told.get("message") or body[:300].decode(errors="replace") or f"HTTP status {status}")
    kind = AccessDeniedError if status == HTTPStatus.FORBIDDEN and _ABOUT_RIGHTS.search(message) else ApiError
    return kind(f"{verb} {path}: {message}", status=status, reason=str(told.get("reason") or ""), verb=verb, path=path)


def _parsed(body: bytes) -> JsonObject:
    try:
        parsed = json.loads(body)
    except ValueError:
        # A proxy's HTML, say.
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _collection(path: str) -> str:
    """Give the kind of thing that a path is about, without names."""
    parts = path.partition("?")[0].split("/namespaces/")[-1].split("/")
    return "/".join(parts[1:2] + parts[3:4])


def _asked_s(headers: Mapping[str, str]) -> float:
    try:
        return min(float(headers.get("retry-after", "0")), 30.0)
    except ValueError:
        return 0.0
