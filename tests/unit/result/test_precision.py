"""Confidence intervals over repetitions."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.errors import InvalidArgumentError
from netbench.result import Precision, Result
from netbench.result.precision import interval_of, statistic_for, student_t
from netbench.traffic import Http, Tcp, Traffic, Udp
from tests.unit.result.builders import http_outcome, make_pair, make_result, tcp_outcome, udp_outcome


def repeated(*amounts: int, until: Precision | None = None) -> Result:
    """Give a TCP result with a repetition for each of these bytes a second."""
    pairs = tuple(make_pair(tcp_outcome(amount, amount), 0, index) for index, amount in enumerate(amounts))
    result = make_result(tcp_outcome(1))
    spec = attrs.evolve(result.spec, until=until)
    return attrs.evolve(result, spec=spec, pairs=pairs, rounds=len(amounts), repeats=len(amounts))


@pytest.mark.parametrize(
    ("confidence", "freedom", "expected"),
    [(0.95, 1, 12.706), (0.95, 2, 4.303), (0.95, 4, 2.776), (0.95, 9, 2.262), (0.95, 30, 2.042), (0.99, 4, 4.604)],
)
def test_students_t_is_the_tables(confidence: float, freedom: int, expected: float) -> None:
    """To the digits that tables have."""
    assert student_t(confidence, freedom) == pytest.approx(expected, abs=5e-4)


def test_the_interval_is_mean_and_standard_error_times_t() -> None:
    """Of 1, 2, 3: the mean is 2, the standard error 1/sqrt(3), t for two degrees 4.303."""
    interval = interval_of([1.0, 2.0, 3.0], "pps", 0.95)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((2 - 2.484, 2 + 2.484), abs=1e-3)


def test_one_value_has_no_interval() -> None:
    """It has no spread."""
    assert interval_of([1.0], "pps", 0.95) is None


@given(st.lists(st.floats(1, 1e12), min_size=2, max_size=30), st.floats(0.5, 0.99))
def test_more_confidence_never_makes_it_narrower(values: list[float], confidence: float) -> None:
    """Whatever the values."""
    one, other = interval_of(values, "pps", confidence), interval_of(values, "pps", confidence + 0.005)
    assert one is not None
    assert other is not None
    assert other.half_width >= one.half_width


@pytest.mark.parametrize(
    ("traffic", "statistic"),
    [
        (Tcp(), "throughput"),
        (Udp(), "latency_p50"),
        (Udp(unlimited=True), "pps"),
        (Http(), "requests"),
        (Http(rate_rps=5), "latency_p99"),
    ],
)
def test_the_figure_is_what_the_traffic_is_about(traffic: Traffic, statistic: str) -> None:
    """Unless another one is named."""
    assert statistic_for(traffic) == statistic


def test_a_result_of_repetitions_has_the_interval_of_its_figure() -> None:
    """One value for each repetition."""
    interval = repeated(1000, 1000, 1100, 900).interval
    assert interval is not None
    assert (interval.statistic, interval.values) == ("throughput", (8000.0, 8000.0, 8800.0, 7200.0))


def test_the_figure_can_be_chosen() -> None:
    """Here the median round trip, which is the same each time."""
    interval = repeated(1000, 2000, until=Precision(statistic="latency_p50")).interval
    assert interval is not None
    assert (interval.statistic, interval.half_width) == ("latency_p50", 0)


def test_a_single_repetition_has_none() -> None:
    """Nothing is known about its spread."""
    assert repeated(1000).interval is None


@pytest.mark.parametrize("outcome", [udp_outcome(), http_outcome()], ids=["udp", "http"])
def test_any_traffic_has_an_interval(outcome: Any) -> None:  # noqa: ANN401 - an outcome
    """Of two equal repetitions it has no width."""
    result = make_result(outcome)
    pairs = (make_pair(outcome, 0, 0), make_pair(outcome, 0, 1))
    interval = attrs.evolve(result, pairs=pairs, rounds=2, repeats=2).interval
    assert interval is not None
    assert interval.half_width == 0


def test_a_repetition_is_a_result_of_its_own() -> None:
    """Its rounds count from 0."""
    each = repeated(1000, 3000).repetition(1)
    assert (each.rounds, each.repeats, each.total_throughput_bps) == (1, 1, 24_000)
    assert [pair.round_index for pair in each.pairs] == [0]


def test_a_repetition_that_is_not_there_is_refused() -> None:
    """By its number."""
    with pytest.raises(InvalidArgumentError, match="from 0 to 1"):
        repeated(1, 2).repetition(2)


def test_rounds_must_be_the_repetitions() -> None:
    """Three rounds are no two repetitions."""
    with pytest.raises(InvalidArgumentError, match="a divisor of the number of rounds"):
        attrs.evolve(repeated(1, 2, 3), repeats=2)


def test_a_limit_that_was_reached_before_the_precision_is_a_doubt() -> None:
    """With what was reached."""
    doubts = {doubt.rule: doubt for doubt in repeated(1000, 2000, until=Precision(relative=0.01)).verdict.doubts}
    assert "where 1.0% was asked for" in doubts["imprecise"].evidence


def test_repetitions_are_in_the_table_and_survive_the_json() -> None:
    """The interval in both."""
    result = repeated(1000, 1000, 1100, 900, until=Precision())
    assert "throughput 8.000 kbit/s +-" in str(result)
    assert "4 repetitions" in str(result)
    assert result.to_dict()["interval"]["mean"] == 8000.0
    assert Result.from_json(result.to_json()) == result


@pytest.mark.parametrize(
    "arguments",
    [{"relative": 0}, {"confidence": 1.0}, {"statistic": "jitter"}, {"repeats_min": 1}, {"repeats_max": 2}],
)
def test_a_precision_that_cannot_be_is_refused(arguments: dict[str, Any]) -> None:
    """By the argument's name."""
    with pytest.raises(InvalidArgumentError, match=next(iter(arguments))):
        Precision(**arguments)
