"""The run's state machine, against a crew that says what the test wants, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from netbench.errors import BackendError, MissingProgramError, PairingError, StateError
from netbench.events import PairDone, PairFailed, RoundFired, RoundStarted, RunEnded
from netbench.measurement import Measurement
from netbench.messages import ControlRecord, Failure, PairRequest, Phase
from netbench.pairing import CrossNode, ExplicitPairs, NodeMatrix
from netbench.traffic import Tcp
from tests.support.crew import FakeCrew
from tests.support.fleet import fleet_of
from tests.support.virtual_time import VirtualTimeLoop

if TYPE_CHECKING:
    from netbench.result import Result

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run in virtual time."""
    return ("asyncio", {"loop_factory": VirtualTimeLoop})


async def measure(crew: FakeCrew, **arguments: Any) -> Result:  # noqa: ANN401 - of Measurement
    """Measure with this crew, cross-node."""
    async with fleet_of(crew) as fleet:
        return await Measurement(Tcp(), **{"duration_s": 1, **arguments}).run(fleet, CrossNode())


async def test_a_healthy_pair_makes_a_complete_result() -> None:
    """Armed, fired, done: complete."""
    assert (await measure(FakeCrew())).complete


async def test_nothing_is_fired_before_all_pairs_are_armed() -> None:
    """The start instant is published when the slowest pair is armed."""
    fired_at: list[float] = []

    def slow(crew: FakeCrew, request: PairRequest) -> None:
        delay_s = 5.0 if request.client == "worker-2" else 0.0
        anyio.lowlevel.current_token()
        group.start_soon(_arm_later, crew, request, delay_s)

    crew = FakeCrew(4, slow)

    def note_time(request: PairRequest, record: ControlRecord) -> None:
        fired_at.append(anyio.current_time())
        FakeCrew.on_record(crew, request, record)

    crew.on_record = note_time  # type: ignore[method-assign] # the fake's own
    async with anyio.create_task_group() as group:
        await measure(crew)
    assert fired_at == [5.0, 5.0]


async def _arm_later(crew: FakeCrew, request: PairRequest, delay_s: float) -> None:
    await anyio.sleep(delay_s)
    crew.arm(request)


async def test_the_start_instant_lies_the_lead_ahead() -> None:
    """Every worker must hear of the instant before it comes."""
    crew = FakeCrew()
    await measure(crew)
    assert crew.published[0].start_ns == pytest.approx(crew.start_lead_s * 1e9)


async def test_a_pair_that_never_arms_is_named_with_its_last_phase() -> None:
    """A silent worker becomes a time-out failure; the others are measured."""

    def script(crew: FakeCrew, request: PairRequest) -> None:
        crew.say(request, Phase.ARMING if request.client == "worker-0" else Phase.ARMED)

    result = await measure(FakeCrew(4, script))
    assert [(f.pair.client.name, f.failure.reason, f.failure.phase) for f in result.failures] == [
        ("worker-0", "timeout", Phase.ARMING)
    ]


async def test_the_others_results_are_kept_when_one_pair_fails() -> None:
    """One failure does not cost the rest."""

    def script(crew: FakeCrew, request: PairRequest) -> None:
        if request.client == "worker-0":
            failure = Failure(phase=Phase.ARMING, reason="port-taken", message="port 5201 is taken")
            crew.say(request, Phase.FAILED, failure=failure)
        else:
            crew.arm(request)

    result = await measure(FakeCrew(4, script))
    assert [pair.pair.client.name for pair in result.pairs] == ["worker-2"]


async def test_a_pair_without_result_after_the_deadline_is_named() -> None:
    """Armed and fired, then silence: a time-out in the last known phase."""
    crew = FakeCrew()
    crew.on_record = lambda request, *_: crew.say(request, Phase.RUNNING)  # type: ignore[method-assign] # the fake's own
    result = await measure(crew)
    assert (result.failures[0].failure.reason, result.failures[0].failure.phase) == ("timeout", Phase.RUNNING)


async def test_a_lost_worker_fails_its_pairs_by_name() -> None:
    """A dead server is named as the worker at fault."""
    crew = FakeCrew()
    crew.on_record = lambda *_: crew.lose("worker-1")  # type: ignore[method-assign] # the fake's own
    result = await measure(crew)
    failure = result.failures[0].failure
    assert (failure.reason, failure.worker) == ("worker-lost", "worker-1")


async def test_a_round_that_is_not_fired_is_stopped() -> None:
    """An armed worker whose server is lost does not wait for the start any more."""
    crew = FakeCrew(script=lambda crew, _: crew.lose("worker-1"))
    await measure(crew)
    assert [(record.start_ns, record.stop) for record in crew.published] == [(None, True)]


async def test_a_round_that_has_failed_is_told_although_its_workers_cannot_be() -> None:
    """The backend is away: they end by themselves."""
    crew = FakeCrew(script=lambda crew, _: crew.lose("worker-1"))

    async def refuse(record: ControlRecord) -> None:  # noqa: ARG001 - as called
        msg = "the API server is away"
        raise BackendError(msg)

    crew.publish = refuse  # type: ignore[method-assign] # the fake's own
    assert [failure.failure.reason for failure in (await measure(crew)).failures] == ["worker-lost"]


async def test_workers_are_not_to_go_on_with_a_run_that_the_backend_has_failed() -> None:
    """The fleet may be good for the next one: it is stopped, and forgotten."""
    crew = FakeCrew()

    def break_off(request: PairRequest, record: ControlRecord) -> None:  # noqa: ARG001 - as called
        crew.on_record = lambda *_: None  # type: ignore[method-assign] # the fake's own
        msg = "the API server is away"
        raise BackendError(msg)

    crew.on_record = break_off  # type: ignore[method-assign] # the fake's own
    with pytest.raises(BackendError, match="is away"):
        await measure(crew)
    assert ([record.stop for record in crew.published], len(crew.forgotten)) == ([False, True], 1)


async def test_a_broken_connection_is_explained_by_the_loss_that_follows() -> None:
    """The client can only see a reset; the backend knows that the server was killed."""
    crew = FakeCrew()

    def break_then_lose(request: PairRequest, record: ControlRecord) -> None:  # noqa: ARG001 - as called
        failure = Failure(phase=Phase.RUNNING, reason="connection-lost", message="reset", worker="worker-1")
        crew.say(request, Phase.FAILED, failure=failure)
        crew.lose("worker-1")

    crew.on_record = break_then_lose  # type: ignore[method-assign] # the fake's own
    result = await measure(crew)
    assert result.failures[0].failure.reason == "worker-lost"


async def test_a_worker_lost_in_one_round_fails_at_once_in_the_next() -> None:
    """Later rounds do not wait for the dead."""
    crew = FakeCrew()
    crew.on_record = lambda *_: crew.lose("worker-1")  # type: ignore[method-assign] # the fake's own
    async with fleet_of(crew) as fleet:
        result = await Measurement(Tcp(), duration_s=1).run(fleet, NodeMatrix())
    assert [failure.failure.reason for failure in result.failures] == ["worker-lost", "worker-lost"]


async def test_rounds_run_in_turn() -> None:
    """The second round's requests go out after the first round's results."""
    crew = FakeCrew()
    async with fleet_of(crew) as fleet:
        run = await Measurement(Tcp(), duration_s=1).start(fleet, NodeMatrix())
        kinds = [type(event) async for event in run.events()]
    order = [kind for kind in kinds if kind in {RoundStarted, RoundFired, PairDone, RunEnded}]
    assert order == [RoundStarted, RoundFired, PairDone, RoundStarted, RoundFired, PairDone, RunEnded]


async def test_stop_ends_the_traffic_and_keeps_what_was_measured() -> None:
    """A stopped run has results and says that it was stopped."""
    crew = FakeCrew()

    def only_when_stopped(request: PairRequest, record: ControlRecord) -> None:
        if record.stop:
            FakeCrew.on_record(crew, request, record)

    crew.on_record = only_when_stopped  # type: ignore[method-assign] # the fake's own
    async with fleet_of(crew) as fleet:
        run = await Measurement(Tcp(), duration_s=3600).start(fleet, CrossNode())
        async for event in run.events():
            if isinstance(event, RoundFired):
                await run.stop()
        result = await run.gather()
    assert (result.stopped_early, len(result.pairs), result.complete) == (True, 1, False)


async def test_rounds_that_a_stop_left_out_are_named() -> None:
    """A pair that never ran is a failure, not a gap."""
    crew = FakeCrew()
    async with fleet_of(crew) as fleet:
        run = await Measurement(Tcp(), duration_s=1).start(fleet, NodeMatrix())
        async for event in run.events():
            if isinstance(event, RoundFired) and event.round_index == 0:
                await run.stop()
        result = await run.gather()
    assert [(f.round_index, f.failure.reason) for f in result.failures] == [(1, "stopped")]


async def test_gather_after_the_fleet_closed_in_mid_run_says_so() -> None:
    """The run is the fleet's; without the fleet there is no result."""
    crew = FakeCrew(script=lambda *_: None)
    async with fleet_of(crew) as fleet:
        run = await Measurement(Tcp(), duration_s=1).start(fleet, CrossNode())
    with pytest.raises(StateError, match="closed before the run had ended"):
        await run.gather()


async def test_a_driver_that_a_worker_lacks_is_refused_before_anything_is_sent() -> None:
    """The error names the package; no request went out."""
    crew = FakeCrew()
    with pytest.raises(MissingProgramError, match="apt-get install iperf3"):
        await measure(crew, driver="iperf3")
    assert crew.requests == []


async def test_a_strategy_without_a_pair_is_refused_before_anything_is_sent() -> None:
    """An empty pairing is the caller's mistake."""
    crew = FakeCrew(1)
    with pytest.raises(PairingError):
        await measure(crew)
    assert crew.requests == []


async def test_the_runs_objects_are_forgotten_at_its_end() -> None:
    """Requests and control records are removed."""
    crew = FakeCrew()
    result = await measure(crew)
    assert crew.forgotten == [result.metadata.run_id]


async def test_events_are_told_from_the_beginning_to_a_late_listener() -> None:
    """A listener that comes after the end still hears everything."""
    async with fleet_of(FakeCrew()) as fleet:
        run = await Measurement(Tcp(), duration_s=1).start(fleet, CrossNode())
        await run.gather()
        events = [event async for event in run.events()]
    assert isinstance(events[0], RoundStarted)
    assert isinstance(events[-1], RunEnded)


async def test_a_failed_pair_is_told_as_an_event() -> None:
    """Progress shows failures as they come."""
    crew = FakeCrew()
    crew.on_record = lambda *_: crew.lose("worker-0")  # type: ignore[method-assign] # the fake's own
    async with fleet_of(crew) as fleet:
        run = await Measurement(Tcp(), duration_s=1).start(fleet, ExplicitPairs([("worker-0", "worker-1")]))
        failed = [event async for event in run.events() if isinstance(event, PairFailed)]
    assert len(failed) == 1
