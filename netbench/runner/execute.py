"""Running a plan: its tests in turn, their steps in order, a step's calls at the same time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio

from netbench.errors import NetbenchError, innermost
from netbench.runner.context import MethodContext
from netbench.runner.outcome import CallOutcome, PlanOutcome, ScenarioOutcome, StepOutcome
from netbench.runner.registry import find_method
from netbench.tasks import background_tasks, together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anyio.abc import TaskGroup

    from netbench.cluster import Cluster
    from netbench.runner.calls import MethodCall
    from netbench.runner.outcome import Summary
    from netbench.runner.plan import Plan, Scenario, Step
    from netbench.runner.registry import MeasurementMethod

__all__ = ("run_plan",)

_DISPOSE_TIMEOUT_S = 150.0


def _quiet(line: str) -> None:
    del line


def _ignore(outcome: ScenarioOutcome) -> None:
    del outcome


async def run_plan(
    plan: Plan,
    cluster: Cluster,
    *,
    tell: Callable[[str], None] = _quiet,
    finished: Callable[[ScenarioOutcome], None] = _ignore,
) -> PlanOutcome:
    """Run a plan on an open cluster.

    Args:
        plan: What :func:`netbench.runner.load_plan` gave.
        cluster: An open cluster.
        tell: Called with lines of progress.
        finished: Called with the outcome of each test when it is there, of one that is interrupted too.

    Returns:
        What became of every test; a test that fails does not keep the next one from running.
    """
    outcomes: list[ScenarioOutcome] = []
    for number, scenario in enumerate(plan.scenarios, 1):
        tell(f"test {number} of {len(plan.scenarios)}: {scenario.title}")
        runner = _ScenarioRunner(scenario, cluster, tell)
        try:
            await runner.run()
        finally:
            outcome = runner.outcome()
            finished(outcome)
        outcomes.append(outcome)
    return PlanOutcome(scenarios=tuple(outcomes))


class _ScenarioRunner:
    def __init__(self, scenario: Scenario, cluster: Cluster, tell: Callable[[str], None]) -> None:
        self._scenario = scenario
        self._cluster = cluster
        self._tell = tell
        self._instances: dict[tuple[str, str], MeasurementMethod] = {}
        self._open: dict[tuple[str, str], MethodCall] = {}
        self._steps: list[StepOutcome] = []
        self._failures: list[str] = []
        self._began = anyio.current_time()
        self._done = False

    def outcome(self) -> ScenarioOutcome:
        failures = [] if self._done else ["the test was interrupted"]
        return ScenarioOutcome(
            scenario=self._scenario,
            duration_s=anyio.current_time() - self._began,
            steps=tuple(self._steps),
            failures=(*self._failures, *failures),
        )

    async def run(self) -> None:
        async with background_tasks() as group:
            try:
                for number, step in enumerate(self._scenario.steps, 1):
                    await self._step(number, step, group)
                for call in self._open.values():
                    self._failures.append(f"{call.identifier} ({call.where}) was started and never gathered")
                self._done = True
            finally:
                await self._dispose()

    async def _step(self, number: int, step: Step, group: TaskGroup) -> None:
        began = anyio.current_time()
        title = step.title(number)
        self._tell(title)
        outcomes: dict[int, CallOutcome] = {}
        # Steps of an interrupted test are reported too, with the calls that came to an end.
        try:
            await together([partial(self._call, index, call, group, outcomes) for index, call in enumerate(step.calls)])
        finally:
            duration_s = anyio.current_time() - began
            calls = tuple(outcomes[index] for index in sorted(outcomes))
            self._steps.append(StepOutcome(name=title, duration_s=duration_s, calls=calls))

    async def _call(self, index: int, call: MethodCall, group: TaskGroup, outcomes: dict[int, CallOutcome]) -> None:
        began = anyio.current_time()
        summaries: Sequence[Summary] = ()
        failures: list[str] = []
        try:
            summaries = await self._execute(call, group)
            failures = [failure for summary in summaries for failure in summary.failures]
        except NetbenchError as error:
            failures = [str(error)]
        except Exception as error:  # noqa: BLE001 - a method is anybody's code, and the others go on
            cause = innermost(error)
            failures = [f"{type(cause).__name__}: {cause}"]
        for failure in failures:
            self._tell(f"failed: {call.identifier}: {failure}")
        outcomes[index] = CallOutcome(
            index=index,
            identifier=call.identifier,
            duration_s=anyio.current_time() - began,
            failures=tuple(failures),
            summaries=tuple(summaries),
        )

    async def _execute(self, call: MethodCall, group: TaskGroup) -> Sequence[Summary]:
        if call.key not in self._instances:
            make = find_method(call.method)
            assert make is not None  # noqa: S101 - the plan was checked
            self._instances[call.key] = make()
        action = call.params.get("action")
        if action == "gather":
            self._open.pop(call.key, None)
        context = MethodContext(cluster=self._cluster, scenario=self._scenario, tell=self._tell, group=group)
        summaries = await self._instances[call.key].execute(call, context)
        if action == "start":
            self._open[call.key] = call
        return summaries

    async def _dispose(self) -> None:
        with anyio.move_on_after(_DISPOSE_TIMEOUT_S, shield=True):
            for (_, identifier), instance in self._instances.items():
                try:
                    await instance.dispose()
                except Exception as error:  # noqa: BLE001 - a method is anybody's code, and the others are to go too
                    self._failures.append(f"{identifier} could not be ended: {innermost(error)}")
