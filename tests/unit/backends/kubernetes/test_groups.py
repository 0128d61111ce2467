"""How large fleets are grouped: which worker is whose relay, which pairs share an object, which pod is made when."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import anyio
import attrs
import pytest

from netbench.backends.base import PodOptions
from netbench.backends.kubernetes import groups
from netbench.backends.kubernetes import hiring as hirings
from netbench.backends.kubernetes.batches import batches
from netbench.backends.kubernetes.groups import hires
from netbench.backends.kubernetes.hiring import create_pods
from netbench.backends.kubernetes.objects import FleetObjects
from netbench.backends.kubernetes.placing import Arrivals
from netbench.kube.api import KubeApi
from netbench.kube.control import write_hellos
from netbench.kube.names import HELLO_ANNOTATION, FleetNames
from netbench.kube.watching import Change
from netbench.traffic import Tcp
from tests.support.api_server import FakeApiServer
from tests.support.control import TIMEOUT_S, hello
from tests.unit.worker.tasks import task_for

if TYPE_CHECKING:
    from netbench.messages import PairRequest

pytestmark = pytest.mark.anyio

REQUEST = task_for(Tcp()).request


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time."""
    return "asyncio"


def test_each_worker_of_a_small_fleet_speaks_for_itself() -> None:
    """Nothing is between it and the API server."""
    assert {hire.relay for hire in hires("f", {None: 64})} == {None}


def test_neighbours_of_a_large_fleet_have_one_relay() -> None:
    """The first of each group, which is its own."""
    relays = {hire.name: hire.relay for hire in hires("f", {None: 130})}
    assert [name for name, relay in relays.items() if name == relay] == ["f-000", "f-064", "f-128"]
    assert (relays["f-063"], relays["f-127"], relays["f-129"]) == ("f-000", "f-064", "f-128")


def requests_of(clients: int, **changes: Any) -> list[list[PairRequest]]:
    """Give a round's requests of so many clients, with two pairs each."""
    return [
        [attrs.evolve(REQUEST, client=f"w{client:02}", pair_id=f"{client}.{pair}", **changes) for pair in range(2)]
        for client in range(clients)
    ]


def test_a_client_that_speaks_for_itself_has_an_object_of_its_own() -> None:
    """With its name, which it watches."""
    found = batches(requests_of(3), {"w00": None})
    assert [(batch.name, batch.relay, len(batch.requests)) for batch in found] == [
        (name, None, 2) for name in ("w00", "w01", "w02")
    ]


def test_clients_of_one_relay_have_objects_in_common() -> None:
    """Of sixteen pairs, and each pair is in one of them."""
    requests = requests_of(40)
    found = batches(requests, {own[0].client: "w00" for own in requests})
    assert [len(batch.requests) for batch in found] == [16] * 5
    assert len({batch.name for batch in found}) == 5
    assert [request for batch in found for request in batch.requests] == [*chain.from_iterable(requests)]


def test_the_pairs_of_one_client_are_in_one_object() -> None:
    """However many they are."""
    requests = [[attrs.evolve(REQUEST, client=client, pair_id=f"{client}.{n}") for n in range(20)] for client in "ab"]
    assert [len(batch.requests) for batch in batches(requests, {"a": "a", "b": "a"})] == [20, 20]


def test_pairs_that_will_report_much_have_no_object_in_common() -> None:
    """An API server takes no object of megabytes."""
    requests = requests_of(3, duration_s=3600.0, interval_s=0.1)
    found = batches(requests, {own[0].client: "w00" for own in requests})
    assert [len(batch.requests) for batch in found] == [2, 2, 2]


class Hiring:
    """The pods of a fleet of three, in groups of two, as they are made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(groups, "_GROUP_MAX", 2)
        self._api, names = KubeApi(FakeApiServer()), FleetNames("team", "f")
        self._objects = FleetObjects(names=names, options=PodOptions(), code=(), key=b"")
        self._hired = hires(names.base, {None: 3})
        self.arrivals = Arrivals(self._api, names, len(self._hired), None)

    async def create(self) -> None:
        """Create them all."""
        await create_pods(self._api, self._objects, self._hired, self.arrivals)

    async def pod(self, number: int) -> dict[str, Any] | None:
        """Give one that is there."""
        return await self._api.get(f"{self._objects.pods_path}/netbench-f-{number}")

    async def arguments(self, number: int) -> list[str]:
        """Give what one is told, once it is there."""
        with anyio.fail_after(TIMEOUT_S):
            while (pod := await self.pod(number)) is None:  # noqa: ASYNC110 - as a user would look
                await anyio.sleep(0.01)
        found: list[str] = pod["spec"]["containers"][0]["args"]
        return found


async def test_a_pod_is_made_when_its_relay_is_ready_and_told_where_that_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the address that it says itself, which a pod's status may be late to tell."""
    hiring = Hiring(monkeypatch)
    async with anyio.create_task_group() as group:
        group.start_soon(hiring.create)
        assert "netbench-f-0" in await hiring.arguments(0)
        assert "netbench-f-2" in await hiring.arguments(2)
        assert await hiring.pod(1) is None
        hiring.arrivals.take_pod(Change("present", {"metadata": {"name": "netbench-f-0"}, "spec": {"nodeName": "n"}}))
        ready = attrs.evolve(hello(), worker="netbench-f-0", address="10.0.0.7", peer_port=7777)
        lease = {"metadata": {"name": "x", "annotations": {HELLO_ANNOTATION: write_hellos([ready])}}}
        hiring.arrivals.take_lease(Change("present", lease))
        words = await hiring.arguments(1)
    assert words[words.index("--relay") + 1] == "10.0.0.7:7777"


async def test_a_relay_that_is_not_ready_soon_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its node may have to pull the image, and so may those of the others."""
    monkeypatch.setattr(hirings, "_RELAYS_WITHIN_S", 0.01)
    hiring = Hiring(monkeypatch)
    with anyio.fail_after(TIMEOUT_S):
        await hiring.create()
    assert "--relay" not in await hiring.arguments(1)
