"""Whole numbers in little room behave like a tuple of them."""

from __future__ import annotations

import copy
import pickle
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.integers import Integers

numbers = st.lists(st.integers() | st.integers(-(2**31), 2**31 - 1), max_size=20)


@given(numbers)
def test_they_are_what_a_tuple_of_them_is(values: list[int]) -> None:
    """Length, order, equality both ways, hash and appearance."""
    kept, expected = Integers(values), tuple(values)
    assert (tuple(kept), len(kept), hash(kept), repr(kept)) == (expected, len(values), hash(expected), repr(expected))
    assert kept == expected
    assert expected == kept


@given(numbers, numbers)
def test_two_are_equal_where_their_numbers_are(some: list[int], others: list[int]) -> None:
    """However many bytes each takes."""
    assert (Integers(some) == Integers(others)) == (some == others)


@given(numbers, st.integers(-25, 25), st.integers(-25, 25))
def test_a_slice_is_a_tuple(values: list[int], begin: int, end: int) -> None:
    """As that of a tuple."""
    assert Integers(values)[begin:end] == tuple(values)[begin:end]


@given(numbers)
def test_they_are_copied_and_pickled(values: list[int]) -> None:
    """Like any value."""
    kept = Integers(values)
    assert copy.deepcopy(kept) == pickle.loads(pickle.dumps(kept)) == Integers(kept) == kept  # noqa: S301 - our own


def test_they_equal_no_list() -> None:
    """A tuple does not either."""
    assert Integers([1]) != [1]


def test_one_beyond_the_end_is_an_error() -> None:
    """Of the usual kind."""
    with pytest.raises(IndexError):
        Integers([1])[1]


@pytest.mark.parametrize("wrong", [[1.0], ["1"], [None]])
def test_what_is_no_whole_number_is_refused(wrong: list[int]) -> None:
    """Nothing is rounded."""
    with pytest.raises(TypeError):
        Integers(wrong)


def test_a_minute_of_intervals_takes_a_fraction_of_a_tuple() -> None:
    """That is what they are for."""
    values = [place * 10**8 for place in range(600)]
    kept = Integers(values)
    tuples = sys.getsizeof(tuple(values)) + sum(map(sys.getsizeof, values))
    assert sys.getsizeof(kept) + sys.getsizeof(kept._values) < tuples / 4
