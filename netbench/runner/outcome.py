"""What became of a plan: of each test, step and call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from netbench.result import Result
    from netbench.runner.plan import Scenario

__all__ = ("CallOutcome", "PlanOutcome", "ScenarioOutcome", "StepOutcome", "Summary")


def _now() -> datetime:
    return datetime.now(UTC)


@attrs.frozen(kw_only=True)
class Summary:
    """One report of a method: a file in the report directory.

    Attributes:
        name: The first part of the file's name.
        content: The file's text.
        extension: The last part of the file's name.
        result: The result that it comes from, where it comes from one.
        failures: What it says is missing or missed, in words; each makes its step fail.
        at: When it was made.
    """

    name: str
    content: str
    extension: str = "json"
    result: Result | None = None
    failures: tuple[str, ...] = ()
    at: datetime = attrs.field(factory=_now)


@attrs.frozen(kw_only=True)
class CallOutcome:
    """What became of one call.

    Attributes:
        index: Its place in its step, from 0.
        identifier: Its identifier.
        duration_s: How long it took.
        failures: What went wrong, in words.
        summaries: What it reports.
    """

    index: int
    identifier: str
    duration_s: float
    failures: tuple[str, ...] = ()
    summaries: tuple[Summary, ...] = ()


@attrs.frozen(kw_only=True)
class StepOutcome:
    """What became of one step.

    Attributes:
        name: ``[step: 01]`` and the step's name.
        duration_s: How long it took.
        calls: Its calls, in the plan's order.
    """

    name: str
    duration_s: float
    calls: tuple[CallOutcome, ...]


@attrs.frozen(kw_only=True)
class ScenarioOutcome:
    """What became of one test.

    Attributes:
        scenario: The test.
        duration_s: How long it took.
        steps: The steps that were begun.
        failures: What went wrong beside the steps, such as a start that nothing gathered.
    """

    scenario: Scenario
    duration_s: float
    steps: tuple[StepOutcome, ...]
    failures: tuple[str, ...] = ()

    def all_failures(self) -> tuple[str, ...]:
        """Give every failure, with its step."""
        in_steps = (
            f"{step.name} [{call.index:02}] - {call.identifier}: {failure}"
            for step in self.steps
            for call in step.calls
            for failure in call.failures
        )
        return (*in_steps, *self.failures)

    def summaries(self) -> tuple[Summary, ...]:
        """Give every report."""
        return tuple(summary for step in self.steps for call in step.calls for summary in call.summaries)


@attrs.frozen(kw_only=True)
class PlanOutcome:
    """What became of a plan.

    Attributes:
        scenarios: The tests that were begun.
    """

    scenarios: tuple[ScenarioOutcome, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed and every result is complete."""
        return not any(scenario.all_failures() for scenario in self.scenarios)
