"""Histograms that are made coarser: how much, by what, and what stays exact."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import netbench as nb
from netbench.hdr import read_buckets
from netbench.packing import to_fit, to_two_digits
from netbench.packing.coarser import FITTING_BYTES
from netbench.packing.counts import write_counts
from netbench.packing.stream import Writer
from tests.unit.samples import record, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from netbench.metrics import HistogramData


@given(st.lists(values, min_size=1, max_size=20), st.floats(0, 100))
def test_with_two_digits_a_percentile_is_half_a_percent_off_at_most(samples: list[int], percent: float) -> None:
    """Or four counts, where that is more."""
    found, truth = nb.Histogram(to_two_digits(record(samples, "byte"))), nearest_rank(samples, percent)
    assert abs(found.percentile(percent) - truth) <= max(4, 0.005 * abs(truth))


@pytest.mark.parametrize("make_coarser", [to_two_digits, to_fit])
@given(samples=st.lists(values, max_size=20))
def test_count_sum_and_bounds_stay_exact(
    make_coarser: Callable[[HistogramData], HistogramData], samples: list[int]
) -> None:
    """Only the buckets are coarser."""
    data, coarse = record(samples), make_coarser(record(samples))
    assert (coarse.count, coarse.total) == (data.count, data.total)
    assert (coarse.minimum, coarse.maximum) == (data.minimum, data.maximum)


@given(st.lists(values, max_size=20), st.lists(values, max_size=20))
def test_coarse_histograms_merge_as_if_coarsened_afterwards(own: list[int], others: list[int]) -> None:
    """No third bucket comes of it."""
    parts = [nb.Histogram(to_two_digits(record(each))) for each in (own, others)]
    assert nb.Histogram.merged(parts).to_data() == to_two_digits(record([*own, *others]))


def test_two_digits_have_an_eighth_of_the_buckets() -> None:
    """Of an octave that is full."""
    octave = record(range(2**20, 2**21, 2**10))
    assert len(read_buckets(octave.positive)) == 8 * len(read_buckets(to_two_digits(octave).positive)) == 1024


def test_a_histogram_with_two_digits_takes_a_quarter() -> None:
    """What all its buckets have in common is said once."""
    whole = record(delays(30_000))
    assert packed_bytes(to_two_digits(whole)) < packed_bytes(whole) / 4


@given(st.lists(values, max_size=100))
def test_a_histogram_of_few_values_fits_as_it_is(samples: list[int]) -> None:
    """It keeps three digits."""
    assert to_fit(record(samples)) == record(samples)


@pytest.mark.parametrize(("octaves", "together"), [(4, 1), (6, 2), (12, 4), (20, 8)])
def test_a_histogram_is_made_no_coarser_than_it_must_be(octaves: int, together: int) -> None:
    """The more buckets it fills, the more of them are taken together."""
    fitted = to_fit(record(spread(octaves)))
    assert len(read_buckets(fitted.positive)) == octaves * 1024 // together


@pytest.mark.parametrize(("octaves", "error"), [(4, 0.001), (6, 0.002), (12, 0.003), (20, 0.005)])
def test_a_percentile_is_off_by_as_much_as_is_said(octaves: int, error: float) -> None:
    """More than a third of that, too: it is not said to be worse than it is."""
    samples = spread(octaves)
    found = nb.Histogram(to_fit(record(samples, "byte")))
    worst = max(abs(found.percentile(percent) / nearest_rank(samples, percent) - 1) for percent in range(1, 100))
    assert error / 3 < worst <= error


def test_many_values_fit() -> None:
    """They take more bits in each bucket, and are given fewer buckets."""
    many = record(delays(600_000))
    assert packed_bytes(to_fit(many)) <= FITTING_BYTES < packed_bytes(many)


def test_both_signs_of_a_histogram_become_equally_coarse() -> None:
    """One of them alone would fit."""
    one = spread(4)
    fitted = to_fit(record([*one, *(-each for each in one)]))
    assert fitted.negative == fitted.positive != record(one).positive


def test_a_histogram_that_does_not_fit_keeps_two_digits() -> None:
    """Room is not worth more than that."""
    wide = record([*spread(20), *(-each for each in spread(20))])
    assert to_fit(wide) == to_two_digits(wide)


def delays(count: int) -> list[int]:
    """Give delays such as a network has."""
    chance = random.Random(1)  # noqa: S311 - no secret
    return [round(chance.lognormvariate(11, 0.8)) for _ in range(count)]


def spread(octaves: int) -> list[int]:
    """Give one to four values for each bucket of so many octaves."""
    chance = random.Random(1)  # noqa: S311 - no secret
    widths = ((2**place, 2 ** (place - 10)) for place in range(12, 12 + octaves))
    starts = ((start + step * width, width) for start, width in widths for step in range(1024))
    return [start + chance.randrange(width) for start, width in starts for _ in range(chance.randint(1, 4))]


def nearest_rank(samples: list[int], percent: float) -> int:
    """Give the value of this rank, of all in ascending order."""
    return sorted(samples)[max(0, math.ceil(Fraction(repr(float(percent))) * len(samples) / 100) - 1)]


def packed_bytes(data: HistogramData) -> int:
    """Give what its counts take."""
    writer = Writer()
    write_counts(writer, read_buckets(data.positive))
    return len(writer.to_bytes())
