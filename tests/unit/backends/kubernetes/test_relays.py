"""Large fleets, of whose workers one of each group talks to the API server for the others."""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any, cast

import anyio
import anyio.lowlevel
import attrs
import pytest
from anyio.abc import SocketAttribute

from netbench.backends.kubernetes import arming
from netbench.errors import ApiError, BackendError
from netbench.framing import FrameStream
from netbench.kube.api import KubeApi
from netbench.kube.control import read_hellos
from netbench.kube.names import HELLO_ANNOTATION, FleetNames
from netbench.messages import ControlRecord, Failure, PairStatus, Phase
from netbench.traffic import Tcp
from netbench.worker.control.kubernetes import relay as relays
from netbench.worker.control.kubernetes import relayed
from netbench.worker.control.kubernetes.link import ApiLink
from netbench.worker.control.kubernetes.opening import Way, open_kubernetes_control
from netbench.worker.peer.proof import challenge, prove
from netbench.worker.timing import WorkerClock
from tests.support.api_server import FakeApiServer
from tests.support.control import HOST, NAME, TIMEOUT_S, Connected, hello, on_kubernetes
from tests.unit.worker.tasks import task_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from anyio.abc import ByteStream

    from netbench.worker.control.kubernetes.control import KubernetesControl
    from netbench.worker.control.kubernetes.link import Listener

pytestmark = pytest.mark.anyio

KEY = bytes(32)
REQUEST = task_for(Tcp()).request


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time."""
    return "asyncio"


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a worker without a relay not wait for its own end, and a pair that no test arms keep nobody waiting."""
    monkeypatch.setattr(arming, "_PATIENCE_S", 0.02)
    monkeypatch.setattr(relayed, "_PAUSE_S", (0.0, 0.0))


def status(phase: Phase) -> PairStatus:
    """Give a status of the pair."""
    return PairStatus(run_id="run", pair_id="pair", phase=phase)


async def first(stream: AsyncIterator[Any]) -> Any:
    """Wait for the next value of a stream."""
    with anyio.fail_after(TIMEOUT_S):
        return await anext(stream)


async def test_the_relay_writes_the_hello_of_the_others() -> None:
    """Into Leases of its own."""
    async with on_kubernetes(WorkerClock(), is_relayed=True) as connected:
        lease = await connected.api.call("GET", f"{connected.names.leases}/worker-9-0")
        (said,) = read_hellos(lease["metadata"]["annotations"][HELLO_ANNOTATION])
    assert said == hello()


async def test_a_worker_whose_relay_is_gone_goes_on_by_itself() -> None:
    """A request from before reaches it once, its statuses are written, and so do requests that come later."""
    async with on_kubernetes(WorkerClock(), is_relayed=True, may_go_direct=True) as connected:
        crew, requests = connected.crew, connected.control.requests()
        async with crew.statuses("run") as statuses:
            await crew.submit([REQUEST])
            assert await first(requests) == REQUEST
            connected.base.cancel()
            await connected.control.report(status(Phase.ARMED))
            assert (await first(statuses)).phase is Phase.ARMED
        await crew.forget("run")
        await crew.submit([attrs.evolve(REQUEST, pair_id="later")])
        assert (await first(requests)).pair_id == "later"


async def test_a_worker_that_loses_its_relay_when_a_pair_is_armed_hears_of_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At once. One without a pair has time, for it may be removed next."""
    monkeypatch.setattr(relayed, "_PAUSE_S", (60.0, 60.0))
    async with on_kubernetes(WorkerClock(), is_relayed=True, may_go_direct=True) as connected:
        crew, control = connected.crew, connected.control
        async with crew.statuses("run") as statuses, control.records("run") as records:
            await crew.submit([REQUEST])
            await first(control.requests())
            await control.report(status(Phase.ARMED))
            await first(statuses)
            connected.base.cancel()
            record = ControlRecord(run_id="run", round_index=0, start_ns=1)
            await crew.publish(record)
            assert await first(records) == record


async def test_a_result_that_comes_when_the_relay_is_gone_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody waits for it."""
    monkeypatch.setattr(relayed, "_PAUSE_S", (60.0, 60.0))
    async with (
        on_kubernetes(WorkerClock(), is_relayed=True, may_go_direct=True) as connected,
        connected.crew.statuses("run") as statuses,
    ):
        await connected.crew.submit([REQUEST])
        await first(connected.control.requests())
        failure = Failure(phase=Phase.RUNNING, reason="stopped", message="it was")
        await connected.control.report(attrs.evolve(status(Phase.FAILED), failure=failure))
        connected.base.cancel()
        assert (await first(statuses)).failure == failure


@asynccontextmanager
async def alone(relay_port: int) -> AsyncIterator[tuple[KubernetesControl, KubeApi]]:
    """Open the control of a worker whose relay is to be at this port, and give it with the API server."""
    api, names = KubeApi(FakeApiServer()), FleetNames("team", "f")
    way = Way(group="worker-9", relay=(HOST, relay_port))
    async with open_kubernetes_control(names, NAME, KEY, WorkerClock(), way, lambda: nullcontext(api)) as control:
        yield control, api


async def test_a_worker_that_finds_no_relay_says_hello_by_itself() -> None:
    """As where a network policy keeps the two apart."""
    async with await anyio.create_tcp_listener(local_host=HOST) as listener:
        port: int = listener.extra(SocketAttribute.local_port)  # noqa: S610 - not Django's
    async with alone(port) as (control, api):
        await control.announce(hello())
        assert await api.get(f"{FleetNames('team', 'f').leases}/{NAME}") is not None


@asynccontextmanager
async def served_by(say: Callable[[FrameStream], Awaitable[None]]) -> AsyncIterator[tuple[KubernetesControl, KubeApi]]:
    """Open the control of a worker whose relay says this and then nothing more."""

    async def serve(stream: ByteStream) -> None:
        async with stream:
            frames = FrameStream(stream)
            await challenge(frames, KEY)
            await say(frames)
            await anyio.sleep_forever()

    async with (
        await anyio.create_tcp_listener(local_host=HOST) as listener,
        anyio.create_task_group() as group,
        alone(listener.extra(SocketAttribute.local_port)) as (control, api),  # noqa: S610 - not Django's
    ):
        group.start_soon(listener.serve, serve)
        with anyio.fail_after(TIMEOUT_S):
            yield control, api
        group.cancel_scope.cancel()


async def say_nothing(_: FrameStream) -> None:
    """Hang."""


async def live_on(frames: FrameStream) -> None:
    """Say that it is alive, for longer than any test lasts."""
    while True:
        await frames.send({"kind": "alive"})
        await anyio.sleep(0.01)


@pytest.mark.parametrize(
    ("patience", "seconds", "say"),
    [("_MUTE_S", 0.1, say_nothing), ("_UNLED_S", (0.1, 0.1), live_on)],
    ids=["hangs", "is cut off itself"],
)
async def test_a_relay_that_is_of_no_use_is_found_out(
    monkeypatch: pytest.MonkeyPatch, patience: str, seconds: Any, say: Callable[[FrameStream], Awaitable[None]]
) -> None:
    """It says nothing, or nothing of the fleet's Lease: it will end, and all who have it with it."""
    monkeypatch.setattr(relayed, patience, seconds)
    async with served_by(say) as (control, api):
        await control.announce(hello())
        assert await api.get(f"{FleetNames('team', 'f').leases}/{NAME}") is not None


async def test_a_relay_that_tells_of_the_lease_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes with something else."""
    monkeypatch.setattr(relayed, "_UNLED_S", (0.2, 0.2))

    async def tell(frames: FrameStream) -> None:
        for number in range(40):
            spec = {"leaseDurationSeconds": 30, "renewTime": str(number)}
            await frames.send({"kind": "lease", "change": "present", "value": {"metadata": {}, "spec": spec}})
            await anyio.sleep(0.01)
        await frames.send({"kind": "done", "number": 0})

    async with served_by(tell) as (control, api):
        await control.announce(hello())
        assert await api.get(f"{FleetNames('team', 'f').leases}/{NAME}") is None


async def test_a_hello_whose_answer_was_lost_is_no_second_one() -> None:
    """It is written again, and found there."""
    link = ApiLink(KubeApi(FakeApiServer()), FleetNames("team", "f"), NAME)
    await link.announce(hello())
    await link.announce(hello())


async def test_a_container_that_has_restarted_is_told_from_the_one_before() -> None:
    """Its pod has said hello already, with another process."""
    link = ApiLink(KubeApi(FakeApiServer()), FleetNames("team", "f"), NAME)
    await link.announce(hello())
    with pytest.raises(BackendError, match="has restarted"):
        await link.announce(attrs.evolve(hello(), peer_port=2))


async def test_the_api_servers_refusal_reaches_the_worker() -> None:
    """With its status."""
    async with on_kubernetes(WorkerClock(), is_relayed=True) as connected:
        with pytest.raises(ApiError) as refused:
            await connected.control._link.write_status("nothing", {})
    assert refused.value.status == 404


class HalfSlow:
    """Implements what a relay needs of a link: one object's statuses are never written."""

    def __init__(self) -> None:
        self.written = anyio.Event()

    async def follow(self, _: object) -> None:
        """Tell nothing."""
        await anyio.sleep_forever()

    async def write_status(self, name: str, _: object) -> None:
        """Write it, or hang."""
        if name == "slow":
            await anyio.sleep_forever()
        self.written.set()


async def test_an_object_that_is_slow_to_be_written_does_not_keep_the_others_waiting() -> None:
    """All results of a group come at one instant, and are large."""
    link = HalfSlow()
    relay = relays.Relay(cast("ApiLink", link), NAME)
    async with anyio.create_task_group() as group:
        group.start_soon(relay.follow, cast("Listener", None))
        group.start_soon(relay.write_status, "slow", {})
        group.start_soon(relay.write_status, "quick", {})
        with anyio.fail_after(TIMEOUT_S):
            await link.written.wait()
        group.cancel_scope.cancel()


@asynccontextmanager
async def session(connected: Connected) -> AsyncIterator[FrameStream]:
    """Be another worker of the relay's, word by word."""
    base = connected.control.time_base
    assert base is not None
    async with await anyio.connect_tcp(base.host, base.peer_port) as stream:
        frames = FrameStream(stream)
        with anyio.fail_after(TIMEOUT_S):
            await prove(frames, KEY)
            await frames.send({"kind": "relay", "worker": "worker-1"})
            yield frames


async def test_a_relay_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API server that is away has nothing to tell."""
    monkeypatch.setattr(relays, "_ALIVE_EVERY_S", 0.01)
    async with on_kubernetes(WorkerClock(), is_relayed=True) as connected, session(connected) as frames:
        assert (await frames.receive())["kind"] == "lease"
        assert await frames.receive() == {"kind": "alive"}


@pytest.mark.parametrize("name", ["../leases/x", "a/b", "", "a?b"])
async def test_a_relay_writes_nothing_but_statuses_of_requests(name: str) -> None:
    """What is no name would be another path."""
    async with on_kubernetes(WorkerClock(), is_relayed=True) as connected, session(connected) as frames:
        await frames.send({"kind": "status", "number": 0, "name": name, "status": {}})
        while (word := await frames.receive())["kind"] in {"lease", "alive"}:
            pass
    assert word["kind"] == "failed"
    assert "no name of a request" in word["failure"]["message"]
