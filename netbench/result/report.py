"""What a result says to people, before it is drawn: the same rows and sentences for the terminal and for HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from netbench.result.columns import Column, columns_for
from netbench.result.notes import footer_of, notes_of, title_of, totals_of, verdict_lines_of
from netbench.result.units import scale_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netbench.result.columns import Line
    from netbench.result.model import Result
    from netbench.result.units import Scale

__all__ = ("Heading", "Report", "report")

#: What stands where nobody measured anything.
MISSING = "-"


@attrs.frozen
class Heading:
    """The head of one column.

    Attributes:
        name: What the column shows.
        unit: The unit of all its numbers, empty where they have none.
        numeric: Whether it holds numbers, which stand to the right.
    """

    name: str
    unit: str
    numeric: bool


@attrs.frozen(kw_only=True)
class Report:
    """A result in words and rows.

    Attributes:
        title: What was measured.
        headings: The heads of the columns.
        rows: The cells of each pair; a cell may have several lines.
        overall: The same over all pairs, None for a single one.
        hidden: Pairs that are not in the rows because there are too many.
        totals: Sentences about all pairs together.
        verdict: Whether the numbers can be believed, then each reason why not.
        notes: Sentences that the reader may want to know besides.
        failures: The pairs that failed, one by one.
        left_over: The workers that were in no pair, one by one.
        footer: What makes the numbers mean something.
    """

    title: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[str, ...], ...]
    overall: tuple[str, ...] | None
    hidden: int
    totals: tuple[str, ...]
    verdict: tuple[str, ...]
    notes: tuple[str, ...]
    failures: tuple[str, ...]
    left_over: tuple[str, ...]
    footer: tuple[str, ...]


def report(result: Result, rows_max: int) -> Report:
    """Put a result into words and rows.

    Args:
        result: The result.
        rows_max: Of more pairs than this only the slowest are shown.
    """
    shown = result.pairs
    if len(shown) > rows_max:
        shown = tuple(sorted(shown, key=lambda pair: pair.throughput_bps or 0)[:rows_max])
    columns = columns_for(result)
    cells = [[column.of_pair(pair) for column in columns] for pair in shown]
    overall = [column.of_all(result) for column in columns] if len(result.pairs) > 1 else None
    everything = [*cells, overall] if overall is not None else cells
    scales = [_scale(column, [row[place] for row in everything]) for place, column in enumerate(columns)]
    return Report(
        title=title_of(result),
        headings=tuple(
            Heading(column.name, "" if scale is None else scale.unit, numeric=column.kind is not None)
            for column, scale in zip(columns, scales, strict=True)
        ),
        rows=tuple(_row(row, scales) for row in cells),
        overall=None if overall is None else _row(overall, scales),
        hidden=len(result.pairs) - len(shown),
        totals=totals_of(result),
        verdict=verdict_lines_of(result),
        notes=notes_of(result),
        failures=tuple(str(failure) for failure in result.failures),
        left_over=tuple(f"{each.worker.name} on {each.worker.node}: {each.reason}" for each in result.left_over),
        footer=footer_of(result),
    )


def _scale(column: Column, cells: Sequence[Sequence[Line]]) -> Scale | None:
    if column.kind is None:
        return None
    return scale_for(column.kind, (line for cell in cells for line in cell if isinstance(line, int | float)))


def _row(cells: Sequence[Sequence[Line]], scales: Sequence[Scale | None]) -> tuple[str, ...]:
    return tuple("\n".join(_line(line, scale) for line in cell) for cell, scale in zip(cells, scales, strict=True))


def _line(line: Line, scale: Scale | None) -> str:
    if line is None:
        return MISSING
    if isinstance(line, str):
        return line
    return str(line) if scale is None else scale.text(line)
