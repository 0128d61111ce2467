"""Plans in YAML, ClusterLoader2's and our own: read, checked as a whole, run through the public API, reported.

Nothing in here measures. A plan is a config or a suite of configs, Go templates with override files; see
:func:`load_plan`, :func:`run_plan` and the decorator :func:`measurement_method`, which adds a method of one's own.
"""

from __future__ import annotations

from netbench.runner.calls import MethodCall
from netbench.runner.context import MethodContext
from netbench.runner.execute import run_plan
from netbench.runner.load import PlanSources, load_plan
from netbench.runner.outcome import CallOutcome, PlanOutcome, ScenarioOutcome, StepOutcome, Summary
from netbench.runner.plan import Plan, Scenario, Step
from netbench.runner.registry import MeasurementMethod, measurement_method

__all__ = (
    "CallOutcome",
    "MeasurementMethod",
    "MethodCall",
    "MethodContext",
    "Plan",
    "PlanOutcome",
    "PlanSources",
    "Scenario",
    "ScenarioOutcome",
    "Step",
    "StepOutcome",
    "Summary",
    "load_plan",
    "measurement_method",
    "run_plan",
)
