"""Numbers as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.result.svg import round_marks
from netbench.result.units import quantity, scale_for

if TYPE_CHECKING:
    from netbench.result.units import Kind

finite = st.floats(min_value=-1e15, max_value=1e15)


@pytest.mark.parametrize(
    ("kind", "number", "text"),
    [
        ("bit/s", 9.4321e9, "9.432 Gbit/s"),
        ("bit/s", 999.0, "999.0 bit/s"),
        ("s", 0.00012345, "123 µs"),
        ("s", -2e-6, "-2.00 µs"),
        ("byte", 1536, "1.50 KiB"),
        ("share", 0.0123, "1.23 %"),
        ("cores", 1.0, "1.00 cores"),
        ("per_s", 1234567.0, "1,234,567 /s"),
        ("count", 1234567, "1,234,567"),
        ("count", 0, "0"),
        ("s", None, "not measured"),
    ],
)
def test_a_number_has_the_unit_that_fits(kind: Kind, number: float | None, text: str) -> None:
    """And three or four digits."""
    assert quantity(kind, number) == text


@given(st.sampled_from(["bit/s", "s", "byte", "share", "cores", "per_s", "count"]), finite)
def test_every_number_can_be_written(kind: Kind, number: float) -> None:
    """And reads as a number."""
    assert float(scale_for(kind, [number]).text(number).replace(",", "")) == pytest.approx(
        number / scale_for(kind, [number]).factor, rel=0.01, abs=0.6
    )


def test_a_column_has_the_unit_of_its_middle_number() -> None:
    """So that its numbers can be compared."""
    assert scale_for("bit/s", [1e3, 5e6, 2e9]).unit == "Mbit/s"


@given(finite, st.floats(min_value=1e-6, max_value=1e15))
def test_marks_of_an_axis_enclose_its_range(low: float, span: float) -> None:
    """Nothing is drawn outside."""
    high = low + span
    marks = round_marks(low, high)
    tolerance = 1e-9 * max(abs(low), abs(high), 1e-9)
    assert marks[0] <= low + tolerance
    assert marks[-1] >= high - tolerance
