"""What both ends of control promise each other, through a real connection in one process.

A backend is a function that connects the two ends; another one is held to the same tests by adding it to BACKENDS.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
import attrs
import pytest

from netbench.backends.base import WorkerLost
from netbench.backends.kubernetes import arming
from netbench.backends.kubernetes import crew as crews
from netbench.backends.kubernetes.crew import KubernetesCrew
from netbench.backends.local.control import open_control
from netbench.backends.local.crew import LocalCrew
from netbench.errors import ApiError
from netbench.kube.control import TimeBase
from netbench.kube.watching import Change
from netbench.messages import (
    ControlRecord,
    PairStatus,
    Phase,
    to_wire,
)
from netbench.topology import Worker
from netbench.traffic import Tcp
from netbench.worker.control.kubernetes.control import KubernetesControl
from netbench.worker.control.local import LocalControl
from netbench.worker.timing import WorkerClock
from tests.support.control import BASE, HOST, NAME, TIMEOUT_S, hello, on_kubernetes
from tests.unit.worker.tasks import task_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from anyio.abc import TaskStatus

    from netbench.backends.base import Crew
    from netbench.worker.control.base import WorkerControl

    Backend: TypeAlias = Callable[[Path, WorkerClock], AbstractAsyncContextManager[tuple[Crew, WorkerControl]]]

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time."""
    return "asyncio"


@asynccontextmanager
async def local(directory: Path, clock: WorkerClock) -> AsyncIterator[tuple[Crew, WorkerControl]]:
    """Connect a crew and one worker as the local backend does, without processes."""
    path = directory / "control-0"
    crew = LocalCrew()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(open_control(path, crew.take_status))
        control = await stack.enter_async_context(LocalControl(str(path), clock))
        await control.announce(hello())
        with anyio.fail_after(TIMEOUT_S):
            while not server.hellos:
                await server.changed()
        crew.begin(server, [Worker(name=NAME, node="node-1", address="127.0.0.1")])
        yield crew, control


@asynccontextmanager
async def kubernetes(_: Path, clock: WorkerClock) -> AsyncIterator[tuple[Crew, WorkerControl]]:
    """Connect a crew and one worker as the Kubernetes backend does, through an API server in memory.

    The time base is another worker, whose clock is right.
    """
    async with on_kubernetes(clock) as connected:
        yield connected.crew, connected.control


@asynccontextmanager
async def relayed(_: Path, clock: WorkerClock) -> AsyncIterator[tuple[Crew, WorkerControl]]:
    """Do the same where the worker reaches the API server through the other one, as in a large fleet."""
    async with on_kubernetes(clock, is_relayed=True) as connected:
        yield connected.crew, connected.control


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pair that no test arms keep nobody waiting."""
    monkeypatch.setattr(arming, "_PATIENCE_S", 0.02)


BACKENDS: list[Backend] = [local, kubernetes, relayed]


@pytest.fixture(params=BACKENDS, ids=lambda backend: backend.__name__)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Give each backend in turn."""
    found: Backend = request.param
    return found


REQUEST = task_for(Tcp()).request


def status(phase: Phase, run_id: str = "run") -> PairStatus:
    """Give a status of the pair."""
    return PairStatus(run_id=run_id, pair_id="pair", phase=phase)


async def first(stream: Any) -> Any:  # noqa: ANN401 - of any of the streams
    """Wait for the next value of a stream."""
    with anyio.fail_after(TIMEOUT_S):
        return await anext(stream)


async def test_a_request_reaches_its_client_worker(backend: Backend, tmp_path: Path) -> None:
    """As it was."""
    async with backend(tmp_path, WorkerClock()) as (crew, control):
        await crew.submit([REQUEST])
        assert await first(control.requests()) == REQUEST


async def test_a_status_reaches_whoever_follows_its_run(backend: Backend, tmp_path: Path) -> None:
    """In the order in which it was reported."""
    async with backend(tmp_path, WorkerClock()) as (crew, control), crew.statuses("run") as statuses:
        await crew.submit([REQUEST])
        phases = []
        # One by one: a status that is overtaken by the next need not arrive.
        for phase in (Phase.ARMING, Phase.ARMED):
            await control.report(status(phase))
            phases.append((await first(statuses)).phase)
    assert phases == [Phase.ARMING, Phase.ARMED]


async def test_statuses_from_before_the_call_are_included(backend: Backend, tmp_path: Path) -> None:
    """Nobody has to be quick."""
    async with backend(tmp_path, WorkerClock()) as (crew, control):
        await crew.submit([REQUEST])
        async with crew.statuses("run") as early:
            await control.report(status(Phase.ARMED))
            await first(early)
        async with crew.statuses("run") as late:
            assert (await first(late)).phase is Phase.ARMED


async def test_runs_do_not_see_each_others_statuses(backend: Backend, tmp_path: Path) -> None:
    """One after the other, in one fleet."""
    async with backend(tmp_path, WorkerClock()) as (crew, control), crew.statuses("two") as statuses:
        async with crew.statuses("run") as others:
            await crew.submit([REQUEST])
            await control.report(status(Phase.ARMED))
            await first(others)
        await crew.forget("run")
        await crew.submit([attrs.evolve(REQUEST, run_id="two")])
        await control.report(status(Phase.ARMED, "two"))
        assert (await first(statuses)).phase is Phase.ARMED


async def test_a_client_that_is_busy_with_another_run_is_refused_by_name() -> None:
    """On Kubernetes, where its request has its name; the other run goes on."""
    async with kubernetes(Path(), WorkerClock()) as (crew, control), crew.statuses("two") as statuses:
        await crew.submit([REQUEST])
        await crew.submit([attrs.evolve(REQUEST, run_id="two")])
        failed = await first(statuses)
        assert (failed.failure.reason, "run" in failed.failure.message) == ("refused", True)
        assert await first(control.requests()) == REQUEST


async def test_a_record_reaches_a_worker_of_its_run(backend: Backend, tmp_path: Path) -> None:
    """To the nanosecond."""
    record = ControlRecord(run_id="run", round_index=0, start_ns=1_795_000_000_123_456_789)
    async with backend(tmp_path, WorkerClock()) as (crew, control):
        await crew.submit([REQUEST])
        await first(control.requests())
        async with control.records("run") as records:
            await crew.publish(record)
            assert await first(records) == record


async def test_a_record_from_before_the_call_is_included(backend: Backend, tmp_path: Path) -> None:
    """A worker that looks late still hears of the start."""
    record = ControlRecord(run_id="run", round_index=0, stop=True)
    async with backend(tmp_path, WorkerClock()) as (crew, control):
        await crew.submit([REQUEST])
        async with control.records("run") as early:
            await crew.publish(record)
            await first(early)
        async with control.records("run") as late:
            assert await first(late) == record


async def test_a_fleets_lease_tells_of_the_latest_round_only() -> None:
    """A run of thousands of rounds would fill it."""
    rounds = [ControlRecord(run_id="run", round_index=index, start_ns=index) for index in range(2)]
    async with kubernetes(Path(), WorkerClock()) as (crew, control):
        async with control.records("run") as early:
            for record in rounds:
                await crew.publish(record)
                assert await first(early) == record
        async with control.records("run") as late:
            assert await first(late) == rounds[1]


async def test_a_workers_shifted_clock_is_found_out(backend: Backend, tmp_path: Path) -> None:
    """The time base less the worker's clock, within the bound."""
    shift_ns = 7_000_000_000
    async with backend(tmp_path, WorkerClock(shift_ns)) as (_, control):
        with anyio.fail_after(TIMEOUT_S):
            comparison = await control.compare_clock(5)
    assert comparison is not None
    assert abs(comparison.offset_ns + shift_ns) <= comparison.bound_ns


async def test_the_time_base_goes_on(backend: Backend, tmp_path: Path) -> None:
    """It is a clock."""
    async with backend(tmp_path, WorkerClock()) as (crew, _):
        assert crew.now_ns() <= crew.now_ns()


async def test_a_hello_of_another_version_is_refused_with_both_numbers(tmp_path: Path) -> None:
    """Of the local backend: the other end is not guessed at."""
    path = tmp_path / "control-0"
    async with open_control(path, lambda _: None) as server, LocalControl(str(path), WorkerClock()) as control:
        await control._send({"kind": "hello", "hello": {**to_wire(hello()), "protocol": 99}})
        with anyio.fail_after(TIMEOUT_S):
            assert [request async for request in control.requests()] == []
        assert (server.hellos, "99" in server.refusals["unknown"]) == ({}, True)


async def test_a_loss_from_before_the_call_is_included() -> None:
    """A run that begins after it must not wait for the dead."""
    crew = LocalCrew()
    loss = WorkerLost(worker=NAME, message="killed")
    crew.take_loss(loss)
    async with crew.statuses("run") as statuses:
        assert await first(statuses) == loss


async def test_requests_end_when_the_controller_is_gone(tmp_path: Path) -> None:
    """By which a worker knows that it is to go."""
    path = tmp_path / "control-0"
    gone = anyio.Event()

    async def control_until_gone(*, task_status: TaskStatus[None]) -> None:
        async with open_control(path, lambda _: None):
            task_status.started()
            await gone.wait()

    async with anyio.create_task_group() as group:
        await group.start(control_until_gone)
        async with LocalControl(str(path), WorkerClock()) as control:
            await control.announce(hello())
            gone.set()
            with anyio.fail_after(TIMEOUT_S):
                assert [request async for request in control.requests()] == []


@pytest.mark.parametrize("alive", [True, False], ids=["alive", "gone"])
async def test_in_a_round_of_many_pairs_the_time_base_says_that_they_are_armed(
    monkeypatch: pytest.MonkeyPatch,
    alive: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Without a write of the client's own, unless the time base cannot be told."""
    monkeypatch.setattr(crews, "_ROLL_CALL_FROM", 1)
    async with kubernetes(Path(), WorkerClock()) as (crew, control), crew.statuses("run") as statuses:
        assert isinstance(crew, KubernetesCrew)
        await crew.submit([REQUEST])
        assert await first(control.requests()) == REQUEST
        if not alive:
            await crew._lease.name_time_base(TimeBase(worker=BASE, host=HOST, peer_port=1))
            assert isinstance(control, KubernetesControl)
            with anyio.fail_after(TIMEOUT_S):
                while control.time_base is None or control.time_base.peer_port != 1:  # noqa: ASYNC110 - see above
                    await anyio.sleep(0.01)
        await control.report(status(Phase.ARMED))
        assert (await first(statuses)).phase is Phase.ARMED
        own = await crew._api.call("GET", f"{crew._names.requests}/{NAME}")
        assert ("pairs" in (own.get("status") or {})) is not alive


async def test_the_roll_tells_the_pairs_of_a_client_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """By their numbers, in the order in which they were asked for."""
    monkeypatch.setattr(crews, "_ROLL_CALL_FROM", 1)
    async with kubernetes(Path(), WorkerClock()) as (crew, control), crew.statuses("run") as statuses:
        await crew.submit([REQUEST, attrs.evolve(REQUEST, pair_id="other")])
        requests = control.requests()
        assert [(await first(requests)).pair_id for _ in range(2)] == ["pair", "other"]
        await control.report(attrs.evolve(status(Phase.ARMED), pair_id="other"))
        assert (await first(statuses)).pair_id == "other"


async def test_a_round_that_is_stopped_does_not_stop_the_next_one() -> None:
    """One of which all pairs have failed."""
    async with kubernetes(Path(), WorkerClock()) as (crew, control):
        await crew.publish(ControlRecord(run_id="run", round_index=0, stop=True))
        await crew.submit([attrs.evolve(REQUEST, round_index=1)])
        assert (await first(control.requests())).round_index == 1


async def test_a_definition_that_is_gone_when_the_roll_is_made_is_the_reason_of_its_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not of the whole run."""
    monkeypatch.setattr(crews, "_ROLL_CALL_FROM", 1)

    async def refuse(path: str, _: object) -> None:
        msg = "there is no such thing"
        raise ApiError(msg, status=404, reason="NotFound", verb="POST", path=path)

    async with kubernetes(Path(), WorkerClock()) as (crew, _), crew.statuses("run") as statuses:
        assert isinstance(crew, KubernetesCrew)
        monkeypatch.setattr(crew._api, "create", refuse)
        await crew.submit([REQUEST])
        failure = (await first(statuses)).failure
    assert failure is not None
    assert "CustomResourceDefinition" in failure.message


@pytest.mark.parametrize("gone_s", [0.0, 60.0], ids=["a moment", "a minute"])
async def test_a_definition_that_stays_away_is_the_reason_of_pairs_that_no_watch_has_told_of(
    monkeypatch: pytest.MonkeyPatch, gone_s: float
) -> None:
    """An API server that has just started does not serve it for a moment, which is none."""
    async with kubernetes(Path(), WorkerClock()) as (crew, _), crew.statuses("run") as statuses:
        assert isinstance(crew, KubernetesCrew)
        await crew.submit([REQUEST])
        monkeypatch.setattr(crews, "_ABSENT_S", 30.0)
        crew.take_request(Change("absent", {}))
        crew._absent_since_s = anyio.current_time() - gone_s
        crew.take_request(Change("absent", {}))
        told: list[str] = []
        with anyio.move_on_after(0.05):
            told.append(str(await anext(statuses)))
        assert ["CustomResourceDefinition" in status for status in told] == [True] * bool(gone_s)
