"""Calls are made again when that can help, and fail by name when it cannot."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import pytest

from netbench.errors import AccessDeniedError, ApiError, ClusterUnreachableError
from netbench.kube.api import KubeApi
from netbench.kube.transport import Reply, TransportError
from tests.support.api_server import ScriptedServer, thing

pytestmark = pytest.mark.anyio

FORBIDDEN = (403, {"reason": "Forbidden", "message": 'things "a" is forbidden: User "u" cannot get resource "things"'})
QUOTA = (403, {"reason": "Forbidden", "message": 'things "a" is forbidden: exceeded quota: q'})
BUSY = (429, {"reason": "TooManyRequests"})


async def test_a_busy_server_is_asked_again() -> None:
    """And so is one that cannot be reached for a moment."""
    server = ScriptedServer([BUSY, TransportError("broken"), (200, {"kind": "Thing"})])
    assert await KubeApi(server).call("GET", "/things/a") == {"kind": "Thing"}


async def test_a_server_that_stays_away_is_named_after_the_patience() -> None:
    """With the last cause."""
    server = ScriptedServer([TransportError("no route")])
    with pytest.raises(ClusterUnreachableError, match="no route"):
        await KubeApi(server, patience_s=0).call("GET", "/things/a")


async def test_a_missing_right_is_an_error_at_once() -> None:
    """It will not come by waiting."""
    server = ScriptedServer([FORBIDDEN])
    with pytest.raises(AccessDeniedError):
        await KubeApi(server).call("GET", "/things/a")


async def test_a_right_that_was_held_a_moment_ago_is_asked_for_again() -> None:
    """A server that has just started has not read the Roles yet."""
    server = ScriptedServer([(200, {}), FORBIDDEN, (200, {"kind": "Thing"})])
    api = KubeApi(server)
    await api.call("GET", "/api/v1/namespaces/n/things")
    assert await api.call("GET", "/api/v1/namespaces/n/things") == {"kind": "Thing"}


UNCOUNTED = (403, {"reason": "Forbidden", "message": 'pods "a" is forbidden: status unknown for quota: q'})
UNKNOWN_ROLE = (404, {"reason": "NotFound", "message": 'roles.rbac.authorization.k8s.io "r" not found'})


@pytest.mark.parametrize("refusal", [UNCOUNTED, UNKNOWN_ROLE], ids=["quota", "role"])
async def test_what_a_server_has_not_heard_of_yet_is_asked_for_again(refusal: tuple[int, Any]) -> None:
    """A quota that is not counted, and a Role that was made a moment ago."""
    server = ScriptedServer([refusal, refusal, (201, thing("a", 1))])
    assert await KubeApi(server).create("/things", {"metadata": {"name": "a"}}) == thing("a", 1)


async def test_what_a_server_never_hears_of_is_told_in_its_words() -> None:
    """And not as one that had no time."""
    with pytest.raises(ApiError, match='"r" not found'):
        await KubeApi(ScriptedServer([UNKNOWN_ROLE]), patience_s=0).create("/things", {"metadata": {"name": "a"}})


async def test_what_a_quota_forbids_is_no_missing_right() -> None:
    """And is refused at once, though others were created before."""
    api = KubeApi(ScriptedServer([(201, {}), QUOTA]))
    await api.create("/api/v1/namespaces/n/things", {"metadata": {"name": "a"}})
    with pytest.raises(ApiError, match="exceeded quota: q") as caught:
        await api.create("/api/v1/namespaces/n/things", {"metadata": {"name": "b"}})
    assert not isinstance(caught.value, AccessDeniedError)


async def test_what_is_being_created_when_its_maker_is_cancelled_is_created() -> None:
    """So whoever removes it afterwards finds it."""
    created = anyio.Event()

    class CancellingServer(ScriptedServer):
        async def send(self, verb: str, path: str, **rest: object) -> Reply:
            group.cancel_scope.cancel()
            await anyio.lowlevel.checkpoint()
            created.set()
            return await super().send(verb, path, **rest)

    api = KubeApi(CancellingServer([(201, {})]))
    async with anyio.create_task_group() as group:
        await api.create("/things", {"metadata": {"name": "a"}})
    assert created.is_set()


async def test_creating_what_an_answer_that_was_lost_has_created_succeeds() -> None:
    """The name is the caller's own."""
    server = ScriptedServer([TransportError("broke off"), (409, {"reason": "AlreadyExists"}), (200, thing("a", 1))])
    assert await KubeApi(server).create("/things", {"metadata": {"name": "a"}}) == thing("a", 1)


async def test_deleting_what_is_not_there_is_fine() -> None:
    """It is gone, which was wanted."""
    await KubeApi(ScriptedServer([(404, {"reason": "NotFound"})])).delete("/things/a")


async def test_a_proxys_page_is_an_error_with_its_words() -> None:
    """It is no JSON object."""
    server = ScriptedServer([(418, "teapot")])
    with pytest.raises(ApiError, match="teapot"):
        await KubeApi(server).call("GET", "/things/a")


def page(following: str | None) -> tuple[int, dict[str, Any]]:
    """Give the answer to the removal of a page."""
    return 200, {"metadata": {"continue": following} if following else {}}


async def test_all_are_deleted_a_page_at_a_time() -> None:
    """A server has not the time for thousands of them in one call."""
    server = ScriptedServer([page("second"), page(None)])
    await KubeApi(server).delete_all("/things", kind="a")
    assert server.asked == ["DELETE /things?kind=a&limit=200", "DELETE /things?kind=a&limit=200&continue=second"]


async def test_pages_that_the_server_has_forgotten_are_begun_anew() -> None:
    """What is deleted already is not among them."""
    server = ScriptedServer([page("second"), (410, {"reason": "Expired"}), page(None)])
    await KubeApi(server).delete_all("/things")
    first, second = "DELETE /things?limit=200", "DELETE /things?limit=200&continue=second"
    assert server.asked == [first, second, first]


async def test_that_there_is_nothing_to_delete_is_fine() -> None:
    """Not even the resource."""
    await KubeApi(ScriptedServer([(404, {"reason": "NotFound"})])).delete_all("/things")
