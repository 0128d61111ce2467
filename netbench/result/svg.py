"""Small line charts as SVG text that need no script and look right on light and dark pages."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

import attrs

from netbench.result.units import scale_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netbench.result.units import Kind

__all__ = ("Chart", "Curve", "colour_of", "draw", "round_marks")

_WIDTH, _HEIGHT = 560, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 28, 40
_STYLE = 'style="max-width:35em;width:100%;font:11px sans-serif" fill="currentColor"'
#: Told apart by people with the usual kinds of colour blindness, on white and on black (Okabe and Ito).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
#: More curves than this are drawn in one thin colour and without names: nobody could tell them apart.
_NAMED_MAX = len(_COLOURS)


@attrs.frozen
class Curve:
    """One curve.

    Attributes:
        name: Whose it is.
        points: x and y in base units, ascending in x.
    """

    name: str
    points: Sequence[tuple[float, float]]


@attrs.frozen(kw_only=True)
class Chart:
    """What a chart shows.

    Attributes:
        title: Above it.
        x_label: Below it, unit included.
        x_ticks: Where the x axis has marks, and what they say.
        y_kind: What y is; its unit goes beside the title.
        y_from_zero: Whether the y axis begins at 0 even if no curve does.
        curves: The curves.
    """

    title: str
    x_label: str
    x_ticks: Sequence[tuple[float, str]]
    y_kind: Kind
    y_from_zero: bool
    curves: Sequence[Curve]


@attrs.frozen(kw_only=True)
class _Area:
    """Turns values into pixels."""

    x_from: float
    x_to: float
    y_from: float
    y_to: float

    def x(self, value: float) -> float:
        return _LEFT + (value - self.x_from) / (self.x_to - self.x_from) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - (value - self.y_from) / (self.y_to - self.y_from) * (_HEIGHT - _TOP - _BOTTOM)


def draw(chart: Chart) -> str:
    """Draw a chart; an empty text where no curve has a point."""
    points = [point for curve in chart.curves for point in curve.points]
    if not points:
        return ""
    ticks = _y_ticks([y for _, y in points], from_zero=chart.y_from_zero)
    marks = [x for x, _ in chart.x_ticks]
    x_from, x_to = min(marks + [x for x, _ in points]), max(marks + [x for x, _ in points])
    area = _Area(x_from=x_from, x_to=x_to if x_to > x_from else x_from + 1, y_from=ticks[0], y_to=ticks[-1])
    scale = scale_for(chart.y_kind, [ticks[-1]])
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(chart.title)}" {_STYLE}>',
        f'<text x="{_LEFT}" y="14" font-weight="bold">{escape(chart.title)} ({escape(scale.unit)})</text>',
        f'<text x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(chart.x_label)}</text>',
        *(_y_mark(area, tick, f"{tick / scale.factor:g}") for tick in ticks),
        *(_x_mark(area, place, label) for place, label in chart.x_ticks),
        *_curves(area, chart.curves),
        "</svg>",
    ]
    return "".join(parts)


def colour_of(place: int, curves: int) -> str | None:
    """Give the colour of one of so many curves, None where they are too many to be told apart."""
    return _COLOURS[place] if curves <= _NAMED_MAX else None


def _curves(area: _Area, curves: Sequence[Curve]) -> list[str]:
    drawn: list[str] = []
    for place, curve in enumerate(curves):
        path = " ".join(f"{area.x(x):.1f},{area.y(y):.1f}" for x, y in curve.points)
        colour = colour_of(place, len(curves))
        style = f'stroke="{colour}"' if colour else f'stroke="{_COLOURS[0]}" stroke-opacity=".4"'
        title = f"<title>{escape(curve.name)}</title>"
        drawn.append(f'<polyline fill="none" {style} stroke-width="1.5" points="{path}">{title}</polyline>')
    return drawn


def _y_mark(area: _Area, value: float, label: str) -> str:
    y = area.y(value)
    return (
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" '
        'stroke-opacity=".15"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>'
    )


def _x_mark(area: _Area, value: float, label: str) -> str:
    x = area.x(value)
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_HEIGHT - _BOTTOM}" y2="{_HEIGHT - _BOTTOM + 4}" stroke="currentColor"/>'
        f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 15}" text-anchor="middle">{escape(label)}</text>'
    )


def _y_ticks(values: Sequence[float], *, from_zero: bool) -> list[float]:
    """Choose four to eight round marks that enclose all values."""
    low, high = min(values), max(values)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    return round_marks(low, high)


def round_marks(low: float, high: float) -> list[float]:
    """Choose four to eight marks at 1, 2 or 5 times a power of ten that enclose the range."""
    span = high - low or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= span / 5)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [place * step for place in range(first, max(last, first + 1) + 1)]
