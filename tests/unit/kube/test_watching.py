"""Following objects misses nothing, whatever the server does to a watch."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from netbench.errors import AccessDeniedError, ApiError, innermost
from netbench.kube.api import KubeApi
from netbench.kube.watching import Change, follow
from tests.support.api_server import ScriptedServer, event, listing, thing

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.anyio

REFUSAL = 'things is forbidden: User "u" cannot watch resource "things"'
FORBIDDEN: tuple[int, list[Any]] = (403, [{"reason": "Forbidden", "message": REFUSAL}])
GONE = event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired"})


async def told(
    server: ScriptedServer, expected: int, *, may_be_absent: bool = False, lists: bool = True
) -> list[tuple[str, str]]:
    """Follow until so many changes were told, and give each one's kind and name."""
    seen: list[tuple[str, str]] = []
    enough = anyio.Event()

    def take(change: Change) -> None:
        seen.append((change.kind, change.value.get("metadata", {}).get("name", "")))
        if len(seen) >= expected:
            enough.set()

    async with anyio.create_task_group() as group:
        group.start_soon(partial(follow, KubeApi(server), "/things", take, may_be_absent=may_be_absent, lists=lists))
        with anyio.fail_after(30):
            await enough.wait()
        group.cancel_scope.cancel()
    return seen


async def test_what_is_there_comes_first_and_then_what_changes() -> None:
    """With a mark between the two."""
    server = ScriptedServer([listing(1, thing("a", 1))], [(200, [event("ADDED", thing("b", 2))])])
    assert await told(server, 3) == [("present", "a"), ("listed", ""), ("present", "b")]


async def test_a_resource_that_goes_takes_its_objects_along_and_may_come_again() -> None:
    """A custom one, whose definition is deleted and made anew."""
    absent = (404, {"reason": "NotFound"})
    server = ScriptedServer(
        [listing(1, thing("a", 1)), absent, listing(1, thing("b", 1))], [(404, [{"code": 404}]), (200, [])]
    )
    seen = await told(server, 7, may_be_absent=True)
    assert seen[:3] == [("present", "a"), ("listed", ""), ("deleted", "a")]
    assert seen[3:] == [("absent", ""), ("absent", ""), ("present", "b"), ("listed", "")]


async def test_a_resource_that_is_not_there_is_refused_unless_it_may_be() -> None:
    """A mistake in a path is not waited for."""
    with pytest.raises(ExceptionGroup) as caught:
        await told(ScriptedServer([(404, {"reason": "NotFound"})]), 1)
    assert isinstance(innermost(caught.value), ApiError)


async def test_a_watch_that_the_server_ends_goes_on_from_the_last_version() -> None:
    """A bookmark's version included."""
    bookmark = event("BOOKMARK", {"metadata": {"resourceVersion": "7"}})
    server = ScriptedServer([listing(1)], [(200, [bookmark]), (200, [event("ADDED", thing("b", 8))])])
    await told(server, 2)
    assert "resourceVersion=7&" in server.asked[-1]


@pytest.mark.parametrize("refusal", [(410, [{"code": 410}]), (200, [GONE])], ids=["status", "event"])
async def test_a_version_that_is_forgotten_is_listed_anew(refusal: tuple[int, Sequence[Any]]) -> None:
    """On both kinds of 410; what vanished meanwhile is told as deleted, what did not change is not told again."""
    status, events = refusal
    server = ScriptedServer(
        [listing(1, thing("a", 1), thing("b", 1)), listing(9, thing("b", 1), thing("c", 9))],
        [(status, list(events)), (200, [])],
    )
    assert await told(server, 6) == [
        ("present", "a"),
        ("present", "b"),
        ("listed", ""),
        ("present", "c"),
        ("deleted", "a"),
        ("listed", ""),
    ]


async def test_an_object_in_the_place_of_another_is_told_after_the_end_of_that_one() -> None:
    """Both have its name; what is kept by name must not lose the new one."""
    anew = thing("a", 9)
    anew["metadata"]["uid"] = "another"
    server = ScriptedServer([listing(1, thing("a", 1)), listing(9, anew)], [(410, [{"code": 410}]), (200, [])])
    assert await told(server, 5) == [
        ("present", "a"),
        ("listed", ""),
        ("deleted", "a"),
        ("present", "a"),
        ("listed", ""),
    ]


async def test_what_is_told_as_deleted_has_its_own_labels() -> None:
    """Neighbours with the same ones share them, and one with others does not."""
    there = [thing(name, 1) for name in "abcd"]
    for value, color in zip(there, ("red", "red", "blue", "red"), strict=True):
        value["metadata"]["labels"] = {"color": color}
    server = ScriptedServer([listing(1, *there), listing(9)], [(410, [{"code": 410}]), (200, [])])
    colors: list[str] = []

    def take(change: Change) -> None:
        if change.kind == "deleted":
            colors.append(change.value["metadata"]["labels"]["color"])
        elif change.kind == "listed" and colors:
            group.cancel_scope.cancel()

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(partial(follow, KubeApi(server), "/things", take))
    assert colors == ["red", "red", "blue", "red"]


async def test_a_list_that_is_forgotten_between_two_pages_begins_anew() -> None:
    """What was told from its first page and is gone then is told as deleted."""
    first = listing(1, thing("a", 1), thing("b", 1))
    first[1]["metadata"]["continue"] = "page two"
    server = ScriptedServer([first, (410, {"code": 410}), listing(9, thing("b", 1), thing("c", 9))], [(200, [])])
    assert await told(server, 5) == [
        ("present", "a"),
        ("present", "b"),
        ("present", "c"),
        ("deleted", "a"),
        ("listed", ""),
    ]


async def test_a_watch_that_is_forbidden_from_the_beginning_is_an_error() -> None:
    """And not something to wait for."""
    server = ScriptedServer([listing(1)], [FORBIDDEN])
    with pytest.raises(ExceptionGroup) as caught:
        await told(server, 9)
    assert isinstance(innermost(caught.value), AccessDeniedError)


async def test_a_watch_that_is_forbidden_after_it_was_allowed_is_made_again() -> None:
    """An API server that has just started has not read the Roles yet."""
    server = ScriptedServer(
        [listing(1)],
        [
            (200, [event("ADDED", thing("a", 2))]),
            FORBIDDEN,
            (200, [event("ADDED", thing("b", 3))]),
        ],
    )
    assert await told(server, 3) == [("listed", ""), ("present", "a"), ("present", "b")]


async def test_without_a_list_the_watch_tells_what_is_there() -> None:
    """And once more from the beginning where its version is forgotten, each object told once."""
    server = ScriptedServer(
        [],
        [
            (200, [event("ADDED", thing("a", 1)), GONE]),
            (200, [event("ADDED", thing("a", 1)), event("ADDED", thing("b", 2))]),
        ],
    )
    assert await told(server, 2, lists=False) == [("present", "a"), ("present", "b")]
    assert ["resourceVersion=0&" in asked for asked in server.asked] == [True, True]
