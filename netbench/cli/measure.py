"""``netbench measure``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from rich.console import Console

from netbench.cli.exits import ExitCode
from netbench.cli.interrupts import Interrupts
from netbench.cli.progress import show_progress
from netbench.cli.requests import cluster_from, fleet_from, measurement_from, strategy_from
from netbench.errors import CleanupError, UsageError
from netbench.result.store import write_text
from netbench.result.table import TEXT_COLUMNS
from netbench.tasks import background_tasks

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from netbench.cluster import Cluster
    from netbench.fleet import WorkerFleet
    from netbench.measurement import Measurement
    from netbench.pairing import PairingStrategy
    from netbench.result import Result

__all__ = ("measure",)


async def measure(arguments: argparse.Namespace) -> ExitCode:
    """Measure, print the result, and say by the exit code whether it is complete.

    Raises:
        NetbenchError: The command line is wrong, this machine lacks something, or the cluster failed.
    """
    errors = Console(stderr=True, quiet=arguments.quiet)
    cluster = cluster_from(arguments)
    parts = _Parts(
        cluster=cluster,
        fleet=fleet_from(arguments, cluster, _ready_printer(errors)),
        measurement=measurement_from(arguments),
        strategy=strategy_from(arguments),
    )
    output = None if arguments.output is None else _checked_output(Path(arguments.output))
    result: Result | None = None
    interrupts = Interrupts(Console(stderr=True))
    async with background_tasks() as group:
        await group.start(interrupts.watch)
        with interrupts.scope:
            try:
                result = await _measure(parts, errors, interrupts)
            except CleanupError as error:
                if not interrupts.count:
                    raise
                Console(stderr=True).print(f"netbench: {error}", markup=False, soft_wrap=True)
                return ExitCode.INTERRUPTED
    if result is None:
        Console(stderr=True).print("interrupted before anything was measured; everything is cleaned up")
        return ExitCode.INTERRUPTED
    _show(result, as_json=arguments.json)
    if output is not None:
        _write(result, output)
        errors.print(f"wrote {output}", markup=False)
    if interrupts.count:
        return ExitCode.INTERRUPTED
    return ExitCode.COMPLETE if result.complete else ExitCode.INCOMPLETE


@attrs.frozen(kw_only=True)
class _Parts:
    cluster: Cluster
    fleet: WorkerFleet
    measurement: Measurement
    strategy: PairingStrategy


async def _measure(parts: _Parts, errors: Console, interrupts: Interrupts) -> Result:
    async with parts.cluster as cluster:
        interrupts.cluster = cluster
        async with parts.fleet as fleet:
            errors.print(_where(cluster, fleet), markup=False)
            run = await parts.measurement.start(fleet, parts.strategy)
            interrupts.stop = run.stop
            await show_progress(run.events(), errors)
            return await run.gather()


def _where(cluster: Cluster, fleet: WorkerFleet) -> str:
    facts = cluster.backend.facts
    details = facts.details
    nodes = len({worker.node for worker in fleet.workers})
    if facts.kind == "kubernetes":
        where = f"context {details['context']}, namespace {details['namespace']}, Kubernetes {details['version']}"
        return f"{len(fleet.workers)} workers on {nodes} nodes; {where}"
    return (
        f"{len(fleet.workers)} workers on {len(cluster.nodes)} nodes, isolation {cluster.isolation}: "
        f"{details['isolation_reason']}"
    )


def _ready_printer(errors: Console) -> Callable[[int, int], None]:
    def show(ready: int, expected: int) -> None:
        errors.print(f"{ready} of {expected} pods ready", markup=False)

    return show


def _checked_output(path: Path) -> Path:
    """Refuse a file that cannot be written before anything is measured for it."""
    if path.suffix not in {".json", ".html"}:
        msg = f"--output {path} must end in .json, .perfdata.json or .html, which says what to write"
        raise UsageError(msg)
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        msg = f"--output {path} cannot be written: the directory is missing or not yours to write"
        raise UsageError(msg)
    return path


def _write(result: Result, path: Path) -> None:
    if path.suffix == ".html":
        text = result.to_html()
    elif path.name.endswith(".perfdata.json"):
        text = json.dumps(result.perfdata(), indent=2)
    else:
        result.save(path)
        return
    write_text(path, text)


def _show(result: Result, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(result.to_json(indent=2) + "\n")
    else:
        # A file or pipe has no width of its own; rich would take 80 columns.
        Console(width=None if sys.stdout.isatty() else TEXT_COLUMNS).print(result)
