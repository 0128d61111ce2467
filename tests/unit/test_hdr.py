"""What workers record and encode in pure Python, read back with the HDR library."""

from __future__ import annotations

from array import array

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from netbench.hdr import DIGITS, HIGHEST, LOWEST, HistogramRecorder
from tests.unit.samples import magnitudes, record, values


def counts_of(text: str) -> bytes:
    """Decode a text with the HDR library and give its memory of the count of every bucket."""
    return bytes(HdrHistogram.decode(text).counts)


def counts_by_library(samples: list[int]) -> bytes:
    """Record the values with the HDR library and give the same."""
    reference = HdrHistogram(LOWEST, HIGHEST, DIGITS)
    for sample in samples:
        reference.record_value(sample)
    return bytes(reference.counts)


@given(st.lists(magnitudes, max_size=50))
def test_the_text_decodes_to_the_librarys_own_counts(samples: list[int]) -> None:
    """Bucket by bucket."""
    assert counts_of(record(samples).positive) == counts_by_library(samples)


@given(st.lists(values, max_size=50))
def test_positive_and_negative_values_are_kept_apart(samples: list[int]) -> None:
    """Zero is with the positive ones."""
    assert counts_of(record(samples).positive) == counts_by_library([each for each in samples if each >= 0])


@given(st.lists(values, max_size=50).filter(lambda samples: min(samples, default=0) < 0))
def test_negative_values_are_kept_as_magnitudes(samples: list[int]) -> None:
    """In a text of their own."""
    negative = record(samples).negative
    assert negative is not None
    assert counts_of(negative) == counts_by_library([-each for each in samples if each < 0])


@given(st.lists(magnitudes, max_size=10))
def test_without_negative_values_there_is_no_negative_text(samples: list[int]) -> None:
    """Its absence says so."""
    assert record(samples).negative is None


@given(st.lists(values, max_size=50))
def test_values_one_by_one_are_the_same_as_many_at_once(samples: list[int]) -> None:
    """To the last bit of what travels."""
    recorder = HistogramRecorder("byte")
    for sample in samples:
        recorder.record(sample)
    assert recorder.data() == record(samples)


@pytest.mark.parametrize("value", [HIGHEST + 1, -HIGHEST - 1])
def test_one_value_beyond_what_a_histogram_holds_is_refused(value: int) -> None:
    """And named."""
    with pytest.raises(OverflowError, match=str(value)):
        HistogramRecorder("byte").record(value)


@given(st.lists(values, min_size=1, max_size=50))
def test_count_sum_and_bounds_are_exact(samples: list[int]) -> None:
    """Whatever the buckets round."""
    data = record(samples)
    assert (data.count, data.total, data.minimum, data.maximum) == (
        len(samples),
        sum(samples),
        min(samples),
        max(samples),
    )


@given(st.lists(st.lists(values, max_size=10), max_size=5))
def test_many_calls_record_the_same_as_one(parts: list[list[int]]) -> None:
    """How values are handed over makes no difference."""
    recorder = HistogramRecorder("byte")
    for part in parts:
        recorder.record_many(part)
    assert recorder.data() == record([sample for part in parts for sample in part])


@given(st.lists(values, max_size=20), st.lists(values, max_size=20))
def test_a_merged_recorder_has_what_both_have(own: list[int], others: list[int]) -> None:
    """As if it had recorded all."""
    recorder, other = HistogramRecorder("byte"), HistogramRecorder("byte")
    recorder.record_many(own)
    other.record_many(others)
    recorder.merge(other)
    assert recorder.data() == record([*own, *others])


def test_more_values_than_fit_into_one_chunk_are_all_recorded() -> None:
    """Here 200,000 equal ones, from an iterator."""
    assert HdrHistogram.decode(record(iter([7] * 200_000)).positive).get_count_at_value(7) == 200_000


def test_an_empty_recorder_has_no_bounds() -> None:
    """None, not 0."""
    data = record([])
    assert (data.count, data.total, data.minimum, data.maximum) == (0, 0, None, None)


def test_an_empty_text_decodes_to_nothing() -> None:
    """It is a histogram all the same."""
    assert HdrHistogram.decode(record([]).positive).get_total_count() == 0


def test_recording_goes_on_after_the_data_were_taken() -> None:
    """What was taken does not change."""
    recorder = HistogramRecorder("ns")
    recorder.record_many([1])
    before = recorder.data()
    recorder.record_many([2])
    assert (before.count, recorder.data().count) == (1, 2)


def test_the_unit_travels() -> None:
    """It is the recorder's."""
    assert record([1], "ns").unit == "ns"


def test_the_text_is_of_the_compressed_v2_form() -> None:
    """All HDR libraries begin it so."""
    assert record([1, 2, 3]).positive.startswith("HISTFAAA")


@pytest.mark.parametrize("extreme", [HIGHEST, -HIGHEST])
def test_the_greatest_magnitude_is_taken(extreme: int) -> None:
    """The bound belongs to the range."""
    assert record([extreme]).total == extreme


@pytest.mark.parametrize("extreme", [HIGHEST + 1, -HIGHEST - 1])
def test_a_value_beyond_the_range_is_refused(extreme: int) -> None:
    """The message repeats it, with its unit."""
    with pytest.raises(OverflowError, match=rf"^{extreme} bit/s is beyond what a histogram holds"):
        record([extreme], "bit/s")


@given(st.lists(values, max_size=20), st.lists(values, max_size=20))
def test_values_before_one_beyond_the_range_are_kept(before: list[int], after: list[int]) -> None:
    """It and what follows are not added."""
    recorder = HistogramRecorder("byte")
    with pytest.raises(OverflowError):
        recorder.record_many([*before, HIGHEST + 1, *after])
    assert recorder.data() == record(before)


@pytest.mark.parametrize("wrong", [[1.0], [1, 2.5], ["1"], [None]])
def test_what_is_no_whole_number_is_refused(wrong: list[int]) -> None:
    """And nothing of it is kept."""
    recorder = HistogramRecorder("byte")
    with pytest.raises(TypeError):
        recorder.record_many(wrong)
    assert recorder.data() == record([])


@given(st.lists(values, max_size=20))
def test_lists_arrays_and_iterators_record_the_same(samples: list[int]) -> None:
    """The faster way of the first two is the same way."""
    assert record(array("q", samples)) == record(iter(samples)) == record(samples)
