"""Running contestants in turn, in random order, and putting what came out side by side."""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING

import anyio
import attrs
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from netbench.topology import Worker

__all__ = ("Line", "Options", "compared", "inside", "interleaved", "markdown", "output_of", "print_table")

_COLUMNS = ("figure", "netbench", "peer", "ratio", "spread", "to reach", "reached")


@attrs.frozen(kw_only=True)
class Options:
    """What the command line asked for."""

    rounds: int
    duration_s: float
    seed: int
    peers: Mapping[str, str]
    sizes: tuple[int, ...]

    def program(self, name: str) -> str:
        """Give the path of a peer's program."""
        return self.peers.get(name, name)


@attrs.frozen(kw_only=True)
class Line:
    """One line of the table.

    Attributes:
        figure: What was measured, with its unit.
        ours: netbench's median.
        peer: The peer's, in words with its name; empty where there is none.
        ratio: Ours through the peer's.
        spread: Half of the distance between the quartiles as a share of the median; ours.
        target: What is to be reached, in words.
        reached: Whether it was; None where nothing was to be reached.
    """

    figure: str
    ours: float
    peer: str = ""
    ratio: float | None = None
    spread: float | None = None
    target: str = ""
    reached: bool | None = None


async def interleaved(
    contestants: Mapping[str, Callable[[], Awaitable[Mapping[str, float]]]], options: Options
) -> dict[str, dict[str, list[float]]]:
    """Run every contestant so many times, in a random order each time; give every figure's values."""
    order = random.Random(options.seed)  # noqa: S311 - no secret
    found: dict[str, dict[str, list[float]]] = {name: {} for name in contestants}
    for turn in range(options.rounds):
        names = list(contestants)
        order.shuffle(names)
        for name in names:
            figures = await contestants[name]()
            for figure, value in figures.items():
                found[name].setdefault(figure, []).append(value)
            shown = ", ".join(f"{figure} {value:,.6g}" for figure, value in figures.items())
            print(f"   {turn + 1}/{options.rounds} {name}: {shown}", file=sys.stderr, flush=True)
    return found


def compared(  # noqa: PLR0913 - one line
    figure: str,
    found: Mapping[str, Mapping[str, Sequence[float]]],
    key: str,
    *,
    ours: str = "netbench",
    peer: str | None = None,
    least: float | None = None,
    most: float | None = None,
) -> Line:
    """Compare one figure's medians; ``least`` and ``most`` bound the ratio, or without a peer the figure itself."""
    mine = found[ours][key]
    median = statistics.median(mine)
    theirs = statistics.median(found[peer][key]) if peer is not None else None
    ratio = median / theirs if theirs else None
    judged = ratio if peer is not None else median
    bounds = [f">= {least:g}"] if least is not None else []
    bounds += [f"<= {most:g}"] if most is not None else []
    reached = None
    if bounds and judged is not None:
        reached = (least is None or judged >= least) and (most is None or judged <= most)
    return Line(
        figure=figure,
        ours=median,
        peer=f"{peer} {theirs:,.5g}" if peer is not None and theirs is not None else "",
        ratio=ratio,
        spread=_spread(mine),
        target=" and ".join(bounds),
        reached=reached,
    )


def _spread(values: Sequence[float]) -> float | None:
    if len(values) < 4:
        return None
    low, middle, high = statistics.quantiles(values, n=4)
    return (high - low) / 2 / abs(middle) if middle else None


def _cells(line: Line) -> tuple[str, ...]:
    return (
        line.figure,
        f"{line.ours:,.5g}",
        line.peer,
        "" if line.ratio is None else f"{line.ratio:.2f}",
        "" if line.spread is None else f"{line.spread:.1%}",
        line.target,
        "" if line.reached is None else "yes" if line.reached else "no",
    )


def print_table(lines: Iterable[Line]) -> None:
    """Print lines for people."""
    table = Table(*_COLUMNS)
    for line in lines:
        table.add_row(*_cells(line))
    Console(width=140).print(table)


def markdown(lines: Iterable[Line]) -> str:
    """Give lines as a Markdown table."""
    rows = [_COLUMNS, tuple("---" for _ in _COLUMNS), *(_cells(line) for line in lines)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def inside(worker: Worker, *command: str) -> list[str]:
    """Give the command that runs this one in a worker's network namespace."""
    return ["nsenter", f"--net=/proc/{worker.pid}/ns/net", *command]


async def output_of(command: Sequence[str], timeout_s: float = 120) -> str:
    """Run a program to its end, and give what it printed; it must succeed."""
    with anyio.fail_after(timeout_s):
        done = await anyio.run_process(command, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode(errors="replace")
    if done.returncode:
        msg = f"{' '.join(command)} failed with {done.returncode}: {text[-2000:]}"
        raise RuntimeError(msg)
    return text
