"""What the controller reads out of histograms."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from netbench.errors import InvalidArgumentError, MissingValueError, ResultFormatError
from netbench.hdr import DIGITS, HIGHEST, LOWEST
from netbench.histogram import Histogram
from tests.unit.samples import magnitudes, record, values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from netbench.metrics import Unit

samples_lists = st.lists(values, min_size=1, max_size=60)
percents = st.one_of(
    st.sampled_from([0, 5, 50, 90, 95, 99, 99.9, 99.99, 100]),
    st.floats(min_value=0, max_value=100),
)


def histogram_of(samples: Iterable[int], unit: Unit = "byte") -> Histogram:
    """Give the histogram of these values."""
    return Histogram.from_data(record(samples, unit))


def nearest_rank(samples: list[int], percent: float) -> int:
    """Give the percentile of the values themselves."""
    rank = math.ceil(Fraction(repr(float(percent))) * len(samples) / 100)
    return sorted(samples)[max(rank, 1) - 1]


# -- percentiles -------------------------------------------------------------------------------------------------------


@given(samples_lists, percents)
def test_a_percentile_is_within_three_digits_of_the_nearest_rank_sample(samples: list[int], percent: float) -> None:
    """At most 0.1 % of its magnitude too high, and never too low; negative values included."""
    exact = nearest_rank(samples, percent)
    assert exact <= histogram_of(samples).percentile(percent) <= exact + abs(exact) / 1000


@given(samples_lists, percents)
def test_a_percentile_lies_within_the_exact_bounds(samples: list[int], percent: float) -> None:
    """The rounding of buckets never leads out of what was recorded."""
    assert min(samples) <= histogram_of(samples).percentile(percent) <= max(samples)


@given(samples_lists, percents, percents)
def test_percentiles_never_descend(samples: list[int], one: float, other: float) -> None:
    """A greater share has no lesser percentile."""
    histogram = histogram_of(samples)
    assert histogram.percentile(min(one, other)) <= histogram.percentile(max(one, other))


@given(samples_lists)
def test_the_percentiles_0_and_100_are_the_exact_bounds(samples: list[int]) -> None:
    """Least and greatest."""
    histogram = histogram_of(samples)
    assert (histogram.percentile(0), histogram.percentile(100)) == (min(samples), max(samples))


def test_a_percents_decimal_digits_count() -> None:
    """99.9 % of 1,000 values are 999 of them, though 99.9 as a binary fraction is a little more."""
    assert histogram_of(range(1, 1001)).percentile(99.9) == 999


def test_percentiles_come_by_their_percent() -> None:
    """Several at once."""
    assert histogram_of(range(1, 101)).percentiles([5, 99.5]) == {5: 5.0, 99.5: 100.0}


def test_durations_are_given_in_seconds() -> None:
    """They travel in nanoseconds."""
    histogram = histogram_of([1_500_000_000, -500_000_000], "ns")
    assert (histogram.minimum, histogram.maximum, histogram.mean) == (-0.5, 1.5, 0.5)


@pytest.mark.parametrize(("unit", "base"), [("ns", "s"), ("bit/s", "bit/s"), ("byte", "byte")])
def test_the_base_unit_is_named(unit: Unit, base: str) -> None:
    """All figures are in it."""
    assert histogram_of([1], unit).unit == base


@pytest.mark.parametrize("percent", [-0.1, 100.1, math.nan, math.inf, True])
def test_a_percent_that_is_none_is_refused(percent: float) -> None:
    """The message names the argument."""
    with pytest.raises(InvalidArgumentError, match=r"^percentile\(percent\) must be a number from 0 to 100"):
        histogram_of([1]).percentile(percent)


# -- other figures -----------------------------------------------------------------------------------------------------


@given(samples_lists)
def test_mean_and_bounds_are_exact(samples: list[int]) -> None:
    """Whatever the buckets round."""
    histogram = histogram_of(samples)
    expected = (len(samples), min(samples), max(samples), sum(samples) / len(samples))
    assert (histogram.count, histogram.minimum, histogram.maximum, histogram.mean) == expected


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=60))
def test_the_standard_deviation_of_small_values_is_exact(samples: list[int]) -> None:
    """Each has a bucket of its own."""
    assert histogram_of(samples).stddev() == pytest.approx(statistics.pstdev(samples))


@given(samples_lists)
def test_the_standard_deviation_is_within_half_a_bucket(samples: list[int]) -> None:
    """Moving every value by at most 0.05 % of the greatest moves it by no more."""
    furthest = max(map(abs, samples))
    assert histogram_of(samples).stddev() == pytest.approx(statistics.pstdev(samples), rel=1e-9, abs=furthest / 1000)


@given(samples_lists)
def test_the_standard_deviation_of_negated_values_is_the_same(samples: list[int]) -> None:
    """Negative buckets have their middles where positive ones have them."""
    assert histogram_of(-each for each in samples).stddev() == pytest.approx(histogram_of(samples).stddev())


@given(samples_lists)
def test_the_buckets_hold_every_value(samples: list[int]) -> None:
    """Their counts add up."""
    assert sum(count for _, count in histogram_of(samples).values()) == len(samples)


@given(samples_lists)
def test_the_buckets_ascend(samples: list[int]) -> None:
    """From negative to positive."""
    found = [value for value, _ in histogram_of(samples).values()]
    assert found == sorted(found)


def test_buckets_are_given_with_their_counts() -> None:
    """Negative ones first."""
    assert list(histogram_of([3, 3, -2, 0]).values()) == [(-2.0, 1), (0.0, 1), (3.0, 2)]


# -- merging -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.lists(values, max_size=20), min_size=1, max_size=4).filter(any), percents)
def test_percentiles_of_merged_histograms_are_those_of_all_samples(parts: list[list[int]], percent: float) -> None:
    """Exactly, not as a mean of percentiles."""
    merged = Histogram.merged(map(histogram_of, parts))
    together = histogram_of(sample for part in parts for sample in part)
    assert merged.percentile(percent) == together.percentile(percent)


@given(st.lists(st.lists(values, max_size=20), min_size=1, max_size=4))
def test_merged_histograms_equal_one_of_all_samples(parts: list[list[int]]) -> None:
    """Counts, sums, bounds and buckets."""
    assert Histogram.merged(map(histogram_of, parts)) == histogram_of(sample for part in parts for sample in part)


def test_merge_puts_others_to_its_own() -> None:
    """The same by another name."""
    assert histogram_of([1]).merge([histogram_of([2]), histogram_of([3])]) == histogram_of([1, 2, 3])


def test_merging_changes_none_of_the_parts() -> None:
    """Histograms are values."""
    part = histogram_of([1])
    part.merge([histogram_of([2])])
    assert part == histogram_of([1])


def test_histograms_of_different_units_are_not_merged() -> None:
    """The message names both units."""
    with pytest.raises(InvalidArgumentError, match=r"histograms of one unit, not \['byte', 'ns'\]"):
        Histogram.merged([histogram_of([1], "ns"), histogram_of([1], "byte")])


def test_no_histograms_are_not_merged() -> None:
    """There would be no unit."""
    with pytest.raises(InvalidArgumentError, match=r"^Histogram\.merged\(histograms\)"):
        Histogram.merged([])


# -- as values ---------------------------------------------------------------------------------------------------------


@given(samples_lists)
def test_equal_histograms_have_equal_hashes(samples: list[int]) -> None:
    """The order of values does not matter."""
    one, other = histogram_of(samples), histogram_of(reversed(samples))
    assert (one, hash(one)) == (other, hash(other))


def test_a_histogram_equals_nothing_else() -> None:
    """Not even its own data."""
    data = record([1])
    assert Histogram(data) != data


@given(samples_lists)
def test_a_histogram_travels_unchanged(samples: list[int]) -> None:
    """What came in goes out, read or not."""
    data = record(samples)
    histogram = Histogram.from_data(data)
    histogram.percentile(50)
    assert histogram.to_data() == data


def test_repr_shows_count_mean_and_percentiles() -> None:
    """In the base unit."""
    shown = repr(histogram_of(range(1, 101)))
    assert shown == "<Histogram in byte, count=100, mean=50.5, p50=50, p99=99>"


# -- empty -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "figure",
    [
        lambda histogram: histogram.minimum,
        lambda histogram: histogram.maximum,
        lambda histogram: histogram.mean,
        lambda histogram: histogram.stddev(),
        lambda histogram: histogram.percentile(50),
        lambda histogram: histogram.percentile(0),
        lambda histogram: histogram.percentiles([50]),
    ],
    ids=["minimum", "maximum", "mean", "stddev", "percentile", "percentile 0", "percentiles"],
)
def test_an_empty_histogram_has_no_figures(figure: Callable[[Histogram], object]) -> None:
    """It raises instead of giving 0."""
    with pytest.raises(MissingValueError, match=r"^this histogram in s is empty: nothing was measured"):
        figure(histogram_of([], "ns"))


def test_an_empty_histogram_says_so() -> None:
    """It has a count all the same."""
    histogram = histogram_of([])
    assert (histogram.is_empty, histogram.count, list(histogram.values())) == (True, 0, [])


def test_the_repr_of_an_empty_histogram_does_not_raise() -> None:
    """Debuggers show it."""
    assert repr(histogram_of([], "ns")) == "<Histogram in s, empty>"


# -- damaged -----------------------------------------------------------------------------------------------------------


def test_the_text_is_not_read_before_a_percentile_is_asked_for() -> None:
    """Count and mean do not need it."""
    assert Histogram(attrs.evolve(record([4]), positive="broken")).mean == 4


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda raw: raw.hex())))
def test_text_that_is_no_histogram_is_refused(text: str) -> None:
    """Whatever it is."""
    with pytest.raises(ResultFormatError, match=r"^a histogram is damaged: "):
        Histogram(attrs.evolve(record([4]), positive=text)).percentile(50)


@given(st.lists(magnitudes, min_size=1, max_size=20), st.data())
def test_a_text_that_was_cut_is_refused(samples: list[int], data: st.DataObject) -> None:
    """At any place."""
    whole = record(samples)
    end = data.draw(st.integers(0, len(whole.positive) - 1))
    with pytest.raises(ResultFormatError):
        Histogram(attrs.evolve(whole, positive=whole.positive[:end])).percentile(50)


@given(st.lists(magnitudes, min_size=1, max_size=20), st.data())
def test_a_text_with_one_wrong_sign_is_refused_or_read(samples: list[int], data: st.DataObject) -> None:
    """No other error escapes."""
    whole = record(samples)
    place = data.draw(st.integers(0, len(whole.positive) - 1))
    text = whole.positive[:place] + data.draw(st.characters()) + whole.positive[place + 1 :]
    try:
        Histogram(attrs.evolve(whole, positive=text)).percentile(50)
    except ResultFormatError as error:
        assert str(error).startswith("a histogram is damaged: ")  # noqa: PT017 - it need not be raised


def test_a_damaged_part_is_refused_by_a_merge() -> None:
    """Merging reads the texts."""
    with pytest.raises(ResultFormatError):
        Histogram.merged([histogram_of([1]), Histogram(attrs.evolve(record([4]), positive="broken"))])


def test_a_count_that_the_text_does_not_hold_is_refused() -> None:
    """The message gives both numbers."""
    with pytest.raises(ResultFormatError, match=r"^a histogram is damaged: it says 3 values and holds 1$"):
        Histogram(attrs.evolve(record([4]), count=3)).percentile(50)


@pytest.mark.parametrize(
    ("lowest", "highest", "digits"), [(LOWEST, HIGHEST, DIGITS - 1), (LOWEST, 2**60, DIGITS), (8, HIGHEST, DIGITS)]
)
def test_a_histogram_of_another_configuration_is_refused(lowest: int, highest: int, digits: int) -> None:
    """It could not be merged with ours."""
    other: Any = HdrHistogram(lowest, highest, digits)
    other.record_value(100)
    data = attrs.evolve(record([100]), positive=other.encode().decode())
    with pytest.raises(ResultFormatError, match=f"it holds {lowest} to {highest} with {digits} digits"):
        Histogram(data).percentile(50)


def test_a_percent_is_a_number() -> None:
    """A string is refused by its name."""
    with pytest.raises(InvalidArgumentError, match=r"percentile\(percent\)"):
        Histogram.from_data(record([1])).percentile("50")  # type: ignore[arg-type] # wrong on purpose
