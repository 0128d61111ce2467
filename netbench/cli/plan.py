"""``netbench plan``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from netbench.cli.exits import ExitCode
from netbench.cli.plans import LOCAL_NODES, sources_from
from netbench.result.table import TEXT_COLUMNS
from netbench.runner import load_plan
from netbench.runner.preview import CallPreview, preview

if TYPE_CHECKING:
    import argparse

    from netbench.runner import Plan, Scenario
    from netbench.runner.plan import RenderedFile

__all__ = ("plan",)

_KIBI = 1024


def plan(arguments: argparse.Namespace) -> ExitCode:
    """Check a plan, and print what it would do or its rendered YAML.

    Raises:
        PlanError: Something is wrong with it.
    """
    nodes = LOCAL_NODES if arguments.nodes is None else arguments.nodes
    files: list[RenderedFile] = []
    try:
        loaded = load_plan(sources_from(arguments, nodes), rendered=files.append)
    finally:
        if arguments.render:
            _print_rendered(files)
    if not arguments.render:
        _print_preview(loaded, nodes, assumed=arguments.nodes is None)
    return ExitCode.COMPLETE


def _print_rendered(files: list[RenderedFile]) -> None:
    """Print a single file byte for byte; of several, each below its name."""
    out = sys.stdout.buffer
    for file in files:
        if len(files) > 1:
            out.write(f"---\n# {file.path}\n".encode())
        out.write(file.text)
    out.flush()


def _print_preview(loaded: Plan, nodes: int, *, assumed: bool) -> None:
    console = Console(width=None if sys.stdout.isatty() else TEXT_COLUMNS)
    calls = [(scenario, call) for scenario in loaded.scenarios for call in preview(scenario, nodes)]
    total_s = sum(call.duration_s for _, call in calls)
    console.print(_table(calls))
    for scenario, call in calls:
        if call.warning:
            where = f"{scenario.title}, step {call.step}, {call.identifier}"
            console.print(f"{where}: {call.warning}", markup=False, highlight=False, soft_wrap=True)
    for note in loaded.notes:
        console.print(note, markup=False)
    tests = "1 test" if len(loaded.scenarios) == 1 else f"{len(loaded.scenarios)} tests"
    words = f"{tests}, about {_duration(total_s)}; workers spread evenly over {nodes} nodes"
    console.print(words + (", which --nodes changes" if assumed else ""), markup=False)


def _table(calls: list[tuple[Scenario, CallPreview]]) -> Table:
    # A column that has the same word in every row is left out.
    with_names = len({call.identifier for _, call in calls}) > 1
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("test", overflow="fold")
    table.add_column("step", justify="right")
    if with_names:
        table.add_column("call", overflow="fold")
    table.add_column("action", overflow="fold")
    for name in ("pods", "pairs", "rounds", "payload", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("clients on", overflow="fold")
    table.add_column("servers on", overflow="fold")
    title = ""
    for scenario, call in calls:
        figures = _figures(call) if call.workers else ("",) * 7
        shown = "" if scenario.title == title else scenario.title
        table.add_row(shown, str(call.step), *([call.identifier] if with_names else []), call.action, *figures)
        title = scenario.title
    return table


def _figures(call: CallPreview) -> tuple[str, ...]:
    return (
        str(call.workers),
        str(call.pairs),
        str(call.rounds),
        "unlimited" if call.payload_bytes is None else _size(call.payload_bytes),
        _duration(call.duration_s),
        ", ".join(f"{name}: {clients}" for name, clients, _ in call.pairs_per_node if clients),
        ", ".join(f"{name}: {servers}" for name, _, servers in call.pairs_per_node if servers),
    )


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < _KIBI:
            return f"{count:.4g} {unit}"
        count /= _KIBI
    return f"{count:.4g} TiB"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
