"""``netbench run``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from netbench.cli.exits import ExitCode
from netbench.cli.interrupts import Interrupts
from netbench.cli.plans import LOCAL_NODES, sources_from
from netbench.cli.requests import is_kubernetes
from netbench.cluster import Cluster
from netbench.errors import CleanupError, HostError, UsageError
from netbench.result.table import TEXT_COLUMNS
from netbench.runner import load_plan, run_plan
from netbench.runner.methods.params import NetworkSettings
from netbench.runner.reports import Reports
from netbench.tasks import background_tasks

if TYPE_CHECKING:
    import argparse

    from netbench.runner import Plan, PlanOutcome, ScenarioOutcome

__all__ = ("run",)


async def run(arguments: argparse.Namespace) -> ExitCode:
    """Run a plan, print what came out, and say by the exit code whether all is complete.

    Raises:
        NetbenchError: The plan or the command line is wrong, this machine lacks something, or the cluster failed.
    """
    cluster = _cluster_from(arguments)
    nodes = arguments.nodes if is_kubernetes(arguments) or arguments.nodes is not None else LOCAL_NODES
    plan = load_plan(sources_from(arguments, nodes))
    errors = Console(stderr=True, quiet=arguments.quiet)
    for note in (*plan.notes, *_worker_notes(plan, kubernetes=is_kubernetes(arguments))):
        errors.print(f"note: {note}", markup=False, soft_wrap=True)
    shown = _Shown(errors, None if arguments.report_dir is None else Reports(Path(arguments.report_dir)))
    if shown.reports is not None:
        shown.reports.open(plan)
    outcome: PlanOutcome | None = None
    interrupts = Interrupts(Console(stderr=True))
    async with background_tasks() as group:
        await group.start(interrupts.watch)
        with interrupts.scope:
            try:
                async with cluster:
                    interrupts.cluster = cluster
                    outcome = await run_plan(plan, cluster, tell=shown.tell, finished=shown.finish)
            except CleanupError as error:
                if not interrupts.count:
                    raise
                Console(stderr=True).print(f"netbench: {error}", markup=False, soft_wrap=True)
                return ExitCode.INTERRUPTED
    return _exit_code(shown, outcome)


def _exit_code(shown: _Shown, outcome: PlanOutcome | None) -> ExitCode:
    shown.tell_files()
    if outcome is None:
        shown.errors.print("interrupted; everything is cleaned up")
        return ExitCode.INTERRUPTED
    if shown.problem is not None:
        raise shown.problem
    return ExitCode.COMPLETE if outcome.passed else ExitCode.INCOMPLETE


def _cluster_from(arguments: argparse.Namespace) -> Cluster:
    if not is_kubernetes(arguments):
        return Cluster.local(nodes=LOCAL_NODES if arguments.nodes is None else arguments.nodes)
    if arguments.local:
        msg = "--local goes without --context, --kubeconfig, --kubernetes and --namespace"
        raise UsageError(msg)
    return Cluster.connect(kubeconfig=arguments.kubeconfig, context=arguments.context, namespace=arguments.namespace)


def _worker_notes(plan: Plan, *, kubernetes: bool) -> list[str]:
    """Say what of the workers' settings has no meaning."""
    settings = [
        call.settings
        for scenario in plan.scenarios
        for step in scenario.steps
        for call in step.calls
        if isinstance(call.settings, NetworkSettings)
    ]
    notes = [note for each in settings for note in each.worker.notes]
    if not kubernetes and any(each.worker.arguments for each in settings):
        notes.append("how workers' pods are to be has no meaning on this machine, whose workers are processes")
    return list(dict.fromkeys(notes))


class _Shown:
    """What people see of a run, and the files that it leaves."""

    def __init__(self, errors: Console, reports: Reports | None) -> None:
        self.errors = errors
        self.reports = reports
        self.problem: HostError | None = None

    def tell(self, line: str) -> None:
        self.errors.print(line, markup=False, highlight=False, soft_wrap=True)

    def finish(self, outcome: ScenarioOutcome) -> None:
        out = Console(width=None if sys.stdout.isatty() else TEXT_COLUMNS)
        for summary in outcome.summaries():
            if summary.result is not None:
                out.print(summary.result)
        failures = outcome.all_failures()
        verdict = f"failed, {len(failures)} failure(s)" if failures else "passed"
        out.print(f"{outcome.scenario.title}: {verdict}, {outcome.duration_s:.1f} s", markup=False, highlight=False)
        for failure in failures:
            out.print(f"  {failure}", markup=False, highlight=False, soft_wrap=True)
        if self.reports is not None:
            try:
                self.reports.add(outcome)
            except HostError as error:
                # The other tests go on; what could not be written is said at the end.
                self.problem = self.problem or error

    def tell_files(self) -> None:
        if self.reports is not None:
            for path in dict.fromkeys(self.reports.written):
                self.tell(f"wrote {path}")
