"""``netbench search``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from netbench.cli.exits import ExitCode
from netbench.cli.interrupts import Interrupts
from netbench.cli.requests import cluster_from, fleet_from, search_from, strategy_from
from netbench.errors import CleanupError, UsageError
from netbench.tasks import background_tasks

if TYPE_CHECKING:
    import argparse

    from netbench.run import Run
    from netbench.search import SearchResult, Trial

__all__ = ("search",)


async def search(arguments: argparse.Namespace) -> ExitCode:
    """Search, print every trial when it is done and what was found, and say by the exit code how it ended.

    Raises:
        NetbenchError: The command line is wrong, this machine lacks something, or the cluster failed.
    """
    errors = Console(stderr=True, quiet=arguments.quiet)
    cluster, strategy, wanted = cluster_from(arguments), strategy_from(arguments), search_from(arguments)
    fleet = fleet_from(arguments, cluster, None)
    output = None if arguments.output is None else Path(arguments.output)
    if output is not None and (output.suffix != ".json" or not output.parent.is_dir()):
        msg = f"--output {output} must end in .json and be in a directory that exists"
        raise UsageError(msg)
    interrupts = Interrupts(Console(stderr=True))
    found: SearchResult | None = None

    def started(run: Run) -> None:
        interrupts.stop = run.stop

    def tried(trial: Trial) -> None:
        errors.print(str(trial), markup=False, highlight=False, soft_wrap=True)

    async with background_tasks() as group:
        await group.start(interrupts.watch)
        with interrupts.scope:
            try:
                async with cluster:
                    interrupts.cluster = cluster
                    async with fleet:
                        found = await wanted.run(fleet, strategy, tried=tried, started=started)
            except CleanupError as error:
                if not interrupts.count:
                    raise
                Console(stderr=True).print(f"netbench: {error}", markup=False, soft_wrap=True)
                return ExitCode.INTERRUPTED
    if found is None:
        Console(stderr=True).print("interrupted before anything was found; everything is cleaned up")
        return ExitCode.INTERRUPTED
    sys.stdout.write((found.to_json(indent=2) if arguments.json else str(found)) + "\n")
    if output is not None:
        found.save(output)
        errors.print(f"wrote {output}", markup=False)
    if interrupts.count:
        return ExitCode.INTERRUPTED
    return ExitCode.INCOMPLETE if found.limited_by == "incomplete" else ExitCode.COMPLETE
