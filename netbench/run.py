"""One started measurement."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import anyio

from netbench.backends.base import WorkerLost
from netbench.errors import NetbenchError, StateError, innermost
from netbench.events import RoundStarted, RunEnded
from netbench.messages import Failure, Phase
from netbench.result import PairFailure, Result
from netbench.rounds import Round

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from netbench.backends.base import Crew, StatusEvent
    from netbench.events import RunEvent
    from netbench.result import PairResult
    from netbench.rounds import RoundPlan

__all__ = ("Repetitions", "Run")

#: So long an error of the backend may be kept back for telling the workers.
_ABANDON_TIMEOUT_S = 5.0


class Repetitions(Protocol):
    """What a run is to do, again and again."""

    def plan(self, repeat: int) -> Sequence[RoundPlan]:
        """Give the rounds of one repetition, whose indices go on from the last one's."""
        ...

    def more(self, result: Result) -> bool:
        """Whether there is to be another repetition after those of this result."""
        ...

    def rounds_at_least(self, index: int) -> int:
        """Give how many rounds there are at least, once this one has begun."""
        ...


class Run:
    """One started measurement. It goes on in the fleet's background until it is done, stopped, or the fleet closes.

    Made by :meth:`netbench.Measurement.start`.
    """

    def __init__(
        self,
        crew: Crew,
        run_id: str,
        repetitions: Repetitions,
        make_result: Callable[[Sequence[PairResult], Sequence[PairFailure], bool, int], Result],
    ) -> None:
        self._crew = crew
        self._run_id = run_id
        self._repetitions = repetitions
        self._make_result = make_result
        self._round: Round | None = None
        self._lost: dict[str, WorkerLost] = {}
        self._stopped = False
        self._history: list[RunEvent] = []
        self._news = anyio.Event()
        self._ended = anyio.Event()
        self._result: Result | None = None
        self._error: BaseException | None = None

    @property
    def run_id(self) -> str:
        """A name for this run that no other run has."""
        return self._run_id

    async def events(self) -> AsyncIterator[RunEvent]:
        """Tell progress: first what has happened already, then what happens, until the run ends.

        Any number of tasks may iterate at once; each gets every event.
        """
        seen = 0
        while True:
            while seen < len(self._history):
                yield self._history[seen]
                seen += 1
            if self._ended.is_set():
                return
            await self._news.wait()

    async def gather(self) -> Result:
        """Wait for the end and give the result. May be called again, and by several tasks.

        Pairs that failed are in the result; see :meth:`netbench.Result.raise_if_incomplete`.

        Raises:
            BackendError: The place where the workers live failed as a whole.
            StateError: The fleet was closed before the run had ended.
        """
        await self._ended.wait()
        if self._error is not None:
            raise self._error
        if self._result is None:
            msg = "the fleet was closed before the run had ended; gather inside of 'async with WorkerFleet(...)'"
            raise StateError(msg)
        return self._result

    async def stop(self) -> None:
        """End the traffic now and start no further round.

        What was measured so far is kept: :meth:`gather` then gives it soon. Does nothing after the end.
        """
        self._stopped = True
        if self._round is not None and not self._ended.is_set():
            await self._round.stop()

    async def execute(self) -> None:
        """Carry the run out. For the fleet's task group, not for users."""
        try:
            self._result = await self._execute()
            self._emit(RunEnded(result=self._result))
        except Exception as error:  # noqa: BLE001 - raised by gather, to whoever asked for the run
            self._error = innermost(error)
        finally:
            self._ended.set()
            self._wake()

    async def _execute(self) -> Result:
        try:
            return await self._execute_rounds()
        except Exception:
            # The fleet may be good for another run, and its workers are not to go on with this one. Where they cannot
            # be told so, it is not forgotten: they may still send, and what asks for them is refused.
            with anyio.move_on_after(_ABANDON_TIMEOUT_S), suppress(NetbenchError):
                await self.stop()
                await self._crew.forget(self._run_id)
            raise

    async def _execute_rounds(self) -> Result:
        results: list[PairResult] = []
        failures: list[PairFailure] = []
        async with (
            self._crew.statuses(self._run_id) as statuses,
            anyio.create_task_group() as group,
        ):
            group.start_soon(self._follow, statuses)
            repeats, more = 0, True
            while more:
                for plan in self._repetitions.plan(repeats):
                    await self._execute_round(plan, results, failures)
                repeats += 1
                more = self._repetitions.more(self._make_result(results, failures, self._stopped, repeats))
            group.cancel_scope.cancel()
        await self._crew.forget(self._run_id)
        return self._make_result(results, failures, self._stopped, repeats)

    async def _execute_round(self, plan: RoundPlan, results: list[PairResult], failures: list[PairFailure]) -> None:
        if self._stopped:
            failures.extend(_not_run(plan))
            return
        self._round = Round(plan, self._crew, self._emit)
        rounds = self._repetitions.rounds_at_least(plan.index)
        self._emit(RoundStarted(round_index=plan.index, rounds=rounds, pairs=tuple(plan.requests)))
        await self._round.execute(self._lost)
        results.extend(self._round.results)
        failures.extend(self._round.failures)

    async def _follow(self, statuses: AsyncIterator[StatusEvent]) -> None:
        async for event in statuses:
            if isinstance(event, WorkerLost):
                self._lost[event.worker] = event
            if self._round is not None:
                self._round.take(event)

    def _emit(self, event: RunEvent) -> None:
        self._history.append(event)
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = anyio.Event()


def _not_run(plan: RoundPlan) -> list[PairFailure]:
    failure = Failure(phase=Phase.PENDING, reason="stopped", message="the run was stopped before this round")
    return [PairFailure(round_index=plan.index, pair=pair, failure=failure) for pair in plan.requests]
