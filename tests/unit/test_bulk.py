"""Histograms of arrays are those of the same numbers one by one."""

from __future__ import annotations

import subprocess
import sys
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.errors import InvalidArgumentError
from netbench.hdr import HIGHEST
from netbench.histogram import Histogram
from tests.unit.samples import record, values

np = pytest.importorskip("numpy")


@given(st.lists(values, max_size=60))
def test_an_array_of_numpy_makes_the_same_histogram(samples: list[int]) -> None:
    """Byte for byte, negative values and zeros included."""
    assert Histogram.of(np.array(samples, dtype="i8"), "ns").to_data() == record(samples, "ns")


@given(st.lists(values, max_size=60))
def test_what_yields_numbers_makes_the_same_histogram(samples: list[int]) -> None:
    """Without numpy."""
    assert Histogram.of(iter(samples), "ns").to_data() == record(samples, "ns")


@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i4", "O"])
def test_every_kind_of_whole_number_is_taken(kind: str) -> None:
    """However wide it is."""
    samples = [0, 1, 2, 100, 127]
    assert Histogram.of(np.array(samples, dtype=kind), "byte").to_data() == record(samples)


@given(st.lists(st.integers(-128, 127), max_size=20))
def test_the_least_number_of_a_narrow_kind_is_taken(samples: list[int]) -> None:
    """Its magnitude is not of that kind."""
    assert Histogram.of(np.array(samples, dtype="i1"), "byte").to_data() == record(samples)


def test_many_values_are_counted_piece_by_piece() -> None:
    """Here 200,000, in any shape."""
    samples = np.random.default_rng(1).lognormal(11, 0.5, (400, 500)).astype("i8")
    assert Histogram.of(samples, "ns").to_data() == record(samples.reshape(-1).tolist(), "ns")


def test_a_sum_beyond_64_bits_is_exact() -> None:
    """Both ways."""
    samples = [HIGHEST - 1] * 10_000
    assert Histogram.of(np.array(samples), "byte").to_data().total == sum(samples)
    assert Histogram.of(-np.array(samples), "byte").to_data().total == -sum(samples)


@pytest.mark.parametrize(
    "wrong",
    [
        np.array([1.0]),
        np.array([True]),
        np.array(["1"]),
        np.array([HIGHEST + 1]),
        np.array([2**63], "u8"),
        [1.5],
        [-(2**51)],
    ],
)
def test_what_a_histogram_does_not_hold_is_refused(wrong: Any) -> None:  # noqa: ANN401 - whatever it is
    """The message names the argument."""
    with pytest.raises(InvalidArgumentError, match=r"^Histogram\.of\(values\) must be whole numbers"):
        Histogram.of(wrong, "ns")


def test_a_unit_that_is_none_is_refused() -> None:
    """The message names those that are."""
    with pytest.raises(InvalidArgumentError, match=r"^Histogram\.of\(unit\) must be 'ns', 'bit/s' or 'byte'"):
        Histogram.of([1], "s")  # type: ignore[arg-type] # wrong on purpose


def test_an_own_histogram_answers_in_base_units() -> None:
    """As any."""
    assert Histogram.of(array("q", [1_500_000]), "ns").maximum == 0.0015


def test_numpy_is_loaded_by_nothing_but_its_arrays() -> None:
    """Neither by the import nor by other values."""
    program = "import sys, netbench; netbench.Histogram.of([1], 'ns').percentile(50); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n"
