"""One round of a run: submit, wait until armed, fire, wait for the results; the same for every backend."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import attrs

from netbench.backends.base import WorkerLost
from netbench.errors import BackendError
from netbench.events import PairDone, PairFailed, PairProgressed, RoundFired
from netbench.messages import ControlRecord, Failure, PairOutcome, PairRequest, PairStatus, Phase
from netbench.result import PairFailure, PairResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from netbench.backends.base import Crew, StatusEvent
    from netbench.events import RunEvent
    from netbench.topology import Pair

__all__ = ("Round", "RoundPlan")

#: What the controller waits beyond the workers' own deadlines, so that their better-informed failure comes first.
_MARGIN_S = 3.0
#: What a worker may take beyond its window, see the worker's agent.
_RUN_GRACE_S = 10.0
#: How long to wait for the backend's word on a worker that its peer could not reach any more.
_LOST_WORD_TIMEOUT_S = 1.0
#: How long workers may be told that a round is over that has failed in any case.
_COURTESY_S = 5.0
#: Failures whose cause may be that the other worker ended.
_MAYBE_LOST = frozenset({"connection-lost", "unreachable", "program-failed", "timeout"})


@attrs.frozen(kw_only=True)
class RoundPlan:
    """What a round is to do.

    Attributes:
        run_id: The run.
        index: The round, from 0.
        requests: A request for each pair.
        arm_timeout_s: How long pairs may take until they are armed.
        traffic_s: Warm-up and duration.
        tail_s: How long after that the traffic itself may take to end.
        gather_timeout_s: How long results may take after the end.
    """

    run_id: str
    index: int
    requests: Mapping[Pair, PairRequest]
    arm_timeout_s: float
    traffic_s: float
    tail_s: float
    gather_timeout_s: float


class _PairState:
    """Where one pair is."""

    def __init__(self, pair_id: str, pair: Pair) -> None:
        self.pair_id = pair_id
        self.pair = pair
        self.phase = Phase.PENDING
        self.outcome: PairOutcome | None = None
        self.failure: Failure | None = None

    @property
    def final(self) -> bool:
        return self.outcome is not None or self.failure is not None


class Round:
    """Carries one round out; fed with status events by the run."""

    def __init__(self, plan: RoundPlan, crew: Crew, emit: Callable[[RunEvent], None]) -> None:
        self._plan = plan
        self._crew = crew
        self._emit = emit
        self._states = {request.pair_id: _PairState(request.pair_id, pair) for pair, request in plan.requests.items()}
        # To ask every pair at each of thousands of statuses takes minutes.
        self._unarmed = set(self._states)
        self._unfinished = set(self._states)
        self._changed = anyio.Event()
        self._start_ns: int | None = None
        self._stopping = anyio.Event()

    @property
    def results(self) -> tuple[PairResult, ...]:
        """The pairs that are done."""
        return tuple(
            PairResult(round_index=self._plan.index, pair=state.pair, outcome=state.outcome)
            for state in self._states.values()
            if state.outcome is not None
        )

    @property
    def failures(self) -> tuple[PairFailure, ...]:
        """The pairs that failed."""
        return tuple(
            PairFailure(round_index=self._plan.index, pair=state.pair, failure=state.failure)
            for state in self._states.values()
            if state.failure is not None
        )

    async def execute(self, lost: Mapping[str, WorkerLost]) -> None:
        """Run the round to its end; afterwards every pair is done or failed.

        Args:
            lost: Workers that were lost before; their pairs fail at once.
        """
        for loss in lost.values():
            self.take(loss)
        alive = [request for request in self._plan.requests.values() if not self._states[request.pair_id].final]
        await self._crew.submit(alive)
        await self._wait_for(self._all_armed, self._plan.arm_timeout_s + _MARGIN_S)
        if not self._stopping.is_set():
            self._fail_rest("it was not armed in time", lambda state: state.phase is not Phase.ARMED)
            if not self._all_final():
                await self._fire()
            elif alive:
                # One may still wait for the start, because its server is lost, say; it is free for the next round.
                with anyio.move_on_after(_COURTESY_S), suppress(BackendError):
                    await self._publish(stop=True)
            plan = self._plan
            run_s = self._crew.start_lead_s + plan.traffic_s + plan.tail_s + _RUN_GRACE_S + plan.gather_timeout_s
            await self._wait_for(lambda: self._all_final() or self._stopping.is_set(), run_s + _MARGIN_S)
        if self._stopping.is_set():
            await self._wait_for(self._all_final, self._plan.gather_timeout_s + _MARGIN_S)
        self._fail_rest("no result arrived in time")
        await self._wait_for(lambda: not any(map(self._may_be_lost, self._states.values())), _LOST_WORD_TIMEOUT_S)

    async def stop(self) -> None:
        """Stop the traffic now; what was measured still arrives."""
        self._stopping.set()
        await self._publish(stop=True)
        self._notify()

    def take(self, event: StatusEvent) -> None:
        """Take a status of one of this round's pairs, or the loss of a worker."""
        if isinstance(event, WorkerLost):
            self._take_loss(event)
        else:
            self._take_status(event)
        self._notify()

    def _take_status(self, status: PairStatus) -> None:
        state = self._states.get(status.pair_id)
        if state is None or state.final:
            return
        if status.failure is not None:
            self._fail(state, status.failure)
        elif status.outcome is not None:
            state.outcome = status.outcome
            self._end(status.pair_id)
            self._emit(
                PairDone(result=PairResult(round_index=self._plan.index, pair=state.pair, outcome=status.outcome))
            )
        else:
            state.phase = status.phase
            if status.phase is Phase.ARMED:
                self._unarmed.discard(status.pair_id)
            self._emit(PairProgressed(round_index=self._plan.index, pair=state.pair, phase=status.phase))

    def _take_loss(self, loss: WorkerLost) -> None:
        for state in self._states.values():
            if loss.worker not in {state.pair.client.name, state.pair.server.name}:
                continue
            failure = Failure(phase=state.phase, reason="worker-lost", message=loss.message, worker=loss.worker)
            if not state.final:
                self._fail(state, failure)
            elif self._may_be_lost(state) and state.failure is not None:
                # The peer could only see a broken connection; the backend knows why.
                state.failure = attrs.evolve(failure, phase=state.failure.phase)

    @staticmethod
    def _may_be_lost(state: _PairState) -> bool:
        return state.failure is not None and state.failure.reason in _MAYBE_LOST

    async def _fire(self) -> None:
        lead_s = self._crew.start_lead_s
        self._start_ns = self._crew.now_ns() + round(lead_s * 1e9)
        await self._publish(stop=False)
        armed = sum(1 for state in self._states.values() if not state.final)
        self._emit(
            RoundFired(round_index=self._plan.index, armed=armed, starts_in_s=lead_s, lasts_s=self._plan.traffic_s)
        )

    async def _publish(self, *, stop: bool) -> None:
        plan = self._plan
        record = ControlRecord(run_id=plan.run_id, round_index=plan.index, start_ns=self._start_ns, stop=stop)
        await self._crew.publish(record)

    def _all_armed(self) -> bool:
        return self._stopping.is_set() or not self._unarmed

    def _all_final(self) -> bool:
        return not self._unfinished

    def _end(self, pair_id: str) -> None:
        self._unarmed.discard(pair_id)
        self._unfinished.discard(pair_id)

    def _fail(self, state: _PairState, failure: Failure) -> None:
        state.failure = failure
        self._end(state.pair_id)
        self._emit(PairFailed(failure=PairFailure(round_index=self._plan.index, pair=state.pair, failure=failure)))

    def _fail_rest(self, message: str, which: Callable[[_PairState], bool] = lambda _: True) -> None:
        for state in self._states.values():
            if state.final or not which(state):
                continue
            client = state.pair.client.name
            text = f"{message}; the last word of {client} was {state.phase.value!r}: it hangs, or its network is cut"
            self._fail(state, Failure(phase=state.phase, reason="timeout", message=text, worker=client))

    async def _wait_for(self, condition: Callable[[], bool], timeout_s: float) -> None:
        with anyio.move_on_after(timeout_s):
            while not condition():
                await self._changed.wait()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
