"""A result as HTML: for notebooks, and as a page of its own that needs nothing else."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from netbench.result.plots import latency_chart, throughput_chart
from netbench.result.report import report
from netbench.result.svg import colour_of, draw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netbench.result.model import Result
    from netbench.result.report import Heading, Report
    from netbench.result.svg import Chart

__all__ = ("fragment", "page")

#: Rows of a notebook's output; a page shows all.
_NOTEBOOK_ROWS_MAX = 50
_STYLE = """<style>
.netbench{font:14px/1.4 system-ui,sans-serif}
.netbench table{border-collapse:collapse;margin:.6em 0}
.netbench th,.netbench td{padding:.2em .7em;text-align:left;vertical-align:top;white-space:pre-line;background:none}
.netbench .number{text-align:right;font-variant-numeric:tabular-nums}
.netbench thead th{border-bottom:1px solid;vertical-align:bottom}
.netbench tbody tr+tr td{border-top:1px solid rgba(128,128,128,.3)}
.netbench tfoot td{border-top:2px solid;font-weight:bold}
.netbench .unit{font-weight:normal;opacity:.7}
.netbench .wide{overflow-x:auto}
.netbench .failed{color:#d9381e}
.netbench .good{color:#2c7a3f}
.netbench .note{color:#b07500}
.netbench .small{font-size:85%;opacity:.75}
.netbench p{margin:.15em 0}
.netbench .plots{display:flex;flex-wrap:wrap;gap:1em}
.netbench .plots>div{flex:1 1 24em;max-width:40em}
.netbench .key{display:inline-block;width:.8em;height:.8em;margin-right:.3em}
</style>"""


def page(result: Result) -> str:
    """Give a whole page."""
    view = report(result, rows_max=max(len(result.pairs), 1))
    head = f'<meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{escape(view.title)}</title>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{_body(result, view)}</body></html>\n'


def fragment(result: Result) -> str:
    """Give what a notebook shows of a result."""
    return _body(result, report(result, _NOTEBOOK_ROWS_MAX))


def _body(result: Result, view: Report) -> str:
    parts = [
        _STYLE,
        '<div class="netbench">',
        f"<p><strong>{escape(view.title)}</strong></p>",
        _table(view) if view.rows else "",
        _hidden(view),
        _paragraphs("Total", view.totals, "total"),
        _paragraphs("Verdict", view.verdict[:1], "good" if len(view.verdict) == 1 else "note"),
        _paragraphs("Doubt", view.verdict[1:], "note"),
        _paragraphs("Note", view.notes, "note"),
        _paragraphs("Failed", view.failures, "failed"),
        _paragraphs("Left over", view.left_over, "note"),
        _plots(result),
        "".join(f'<p class="small">{escape(line)}</p>' for line in view.footer),
        "</div>",
    ]
    return "".join(parts)


def _table(view: Report) -> str:
    heads = "".join(
        f'<th class="{_class(heading)}">{escape(heading.name)}'
        + (f'<br><span class="unit">{escape(heading.unit)}</span>' if heading.unit else "")
        + "</th>"
        for heading in view.headings
    )
    body = "".join(_row(view, row) for row in view.rows)
    foot = f"<tfoot>{_row(view, view.overall)}</tfoot>" if view.overall is not None else ""
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody>{foot}</table></div>'


def _row(view: Report, cells: Sequence[str]) -> str:
    columns = zip(view.headings, cells, strict=True)
    return "<tr>" + "".join(f'<td class="{_class(head)}">{escape(cell)}</td>' for head, cell in columns) + "</tr>"


def _class(heading: Heading) -> str:
    return "number" if heading.numeric else "text"


def _hidden(view: Report) -> str:
    if not view.hidden:
        return ""
    return f'<p class="small">{view.hidden} faster pairs are not shown; see to_html(), to_dataframe() or the JSON</p>'


def _paragraphs(label: str, lines: Sequence[str], style: str) -> str:
    return "".join(f'<p class="{style}"><strong>{label}:</strong> {escape(line)}</p>' for line in lines)


def _plots(result: Result) -> str:
    drawn = (_plot(chart) for chart in (throughput_chart(result), latency_chart(result)))
    plots = "".join(f"<div>{plot}</div>" for plot in drawn if plot)
    return f'<div class="plots">{plots}</div>' if plots else ""


def _plot(chart: Chart) -> str:
    svg = draw(chart)
    colours = [colour_of(place, len(chart.curves)) for place in range(len(chart.curves))]
    if not svg or len(chart.curves) < 2 or None in colours:  # noqa: PLR2004 - one curve needs no key
        return svg
    key = "".join(
        f'<p class="small"><span class="key" style="background:{colour}"></span>{escape(curve.name)}</p>'
        for colour, curve in zip(colours, chart.curves, strict=True)
    )
    return svg + key
