"""A result on a terminal. rich is imported when the first table is drawn, not before."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from netbench.result.report import report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import JustifyMethod, RenderableType
    from rich.table import Table

    from netbench.result.model import Result
    from netbench.result.report import Report

__all__ = ("TEXT_COLUMNS", "to_rich", "to_text")

TEXT_COLUMNS = 100
ROWS_MAX = 50


def to_text(result: Result) -> str:
    """Draw a result as plain text of at most 100 columns."""
    from rich.console import Console

    file = io.StringIO()
    console = Console(file=file, width=TEXT_COLUMNS, color_system=None, force_terminal=False, force_jupyter=False)
    console.print(to_rich(result))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def to_rich(result: Result) -> RenderableType:
    """Draw a result for a rich console of any width."""
    from rich.console import Group

    return Group(*_parts(report(result, ROWS_MAX)))


def _parts(view: Report) -> Iterator[RenderableType]:
    from rich.text import Text

    yield Text(view.title, style="bold")
    if view.rows:
        yield _table(view)
    if view.hidden:
        yield Text(f"{view.hidden} faster pairs are not shown; see to_html(), to_dataframe() or the JSON", style="dim")
    trusted = len(view.verdict) == 1
    for label, lines, style in (
        ("Total", view.totals, "bold"),
        ("Verdict", view.verdict[:1], "bold green" if trusted else "bold yellow"),
        ("Doubt", view.verdict[1:], "yellow"),
        ("Note", view.notes, "yellow"),
        ("Failed", view.failures, "red"),
        ("Left over", view.left_over, "yellow"),
    ):
        for line in lines:
            yield Text(f"{label}: {line}", style=style)
    for line in view.footer:
        yield Text(line, style="dim")


def _table(view: Report) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_footer=False)
    for heading in view.headings:
        # The unit is a line of its own, so that a column is as narrow as its numbers; names break at their blanks.
        head = Text("\n".join((*heading.name.split(" "), heading.unit) if heading.numeric else (heading.name,)))
        # On a narrow terminal names are folded, and numbers never.
        justify: JustifyMethod = "right" if heading.numeric else "left"
        drawn.add_column(head, justify=justify, vertical="top", overflow="fold", no_wrap=heading.numeric)
    for row in view.rows:
        drawn.add_row(*(Text(cell) for cell in row))
    if view.overall is not None:
        drawn.add_section()
        drawn.add_row(*(Text(cell) for cell in view.overall), style="bold")
    return drawn
