"""ClusterLoader2's form of a result."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.result.perfdata import perfdata
from tests.unit.result.builders import (
    http_outcome,
    make_failure,
    make_outcome,
    make_result,
    tcp_outcome,
    udp_outcome,
)

if TYPE_CHECKING:
    from netbench.messages import PairOutcome
    from netbench.result import Result


def data_of(result: Result, metric: str) -> dict[str, float]:
    """Give the data of one metric."""
    found = [item["data"] for item in result.perfdata()["dataItems"] if item["labels"] == {"Metric": metric}]
    assert len(found) == 1
    data: dict[str, float] = found[0]
    return data


def test_one_pair_gives_one_value() -> None:
    """1,024 bytes a second are a kbyte a second."""
    assert data_of(make_result(tcp_outcome(2048, 4096)), "Throughput") == {"Value": 3.0}


def test_several_pairs_give_percentiles_of_their_means() -> None:
    """Nearest rank: of twenty pairs the first, the tenth and the nineteenth."""
    result = make_result(*(tcp_outcome(1024 * place) for place in range(20, 0, -1)))
    assert data_of(result, "Throughput") == {"Perc05": 1.0, "Perc50": 10.0, "Perc95": 19.0}


@given(st.lists(st.integers(1, 10**9), min_size=2, max_size=30))
def test_every_percentile_is_a_pairs_own_mean(amounts: list[int]) -> None:
    """None is interpolated."""
    data = data_of(make_result(*(tcp_outcome(1024 * amount) for amount in amounts)), "Throughput")
    assert {round(value) for value in data.values()} <= set(amounts)


def test_a_pair_that_failed_counts_as_planned() -> None:
    """Two pairs were asked for: percentiles, though one has a mean."""
    result = make_result(tcp_outcome(1024), failures=(make_failure(1),))
    assert data_of(result, "Throughput") == {"Perc05": 1.0, "Perc50": 1.0, "Perc95": 1.0}


def test_pairs_that_could_not_be_made_are_no_trusted_result() -> None:
    """The result itself does not know of them."""
    items = perfdata(make_result(tcp_outcome(1024)), planned=2)["dataItems"]
    (verdict,) = [item["data"] for item in items if item["labels"] == {"Metric": "Verdict"}]
    assert verdict == {"Trusted": 0, "Doubts": 1}


def test_a_metric_that_nobody_measured_is_absent() -> None:
    """ClusterLoader2 would write 0."""
    items = make_result(make_outcome([], [])).perfdata()["dataItems"]
    assert [item["labels"]["Metric"] for item in items] == ["Verdict", "Completeness"]


def test_a_result_without_pairs_says_that_none_was_measured() -> None:
    """And has no figure that could be taken for one."""
    counts = {"Planned": 1, "Measured": 0, "Missing": 1}
    items = make_result(failures=(make_failure(0),)).perfdata()["dataItems"]
    assert items == [
        {"data": {"Trusted": 0, "Doubts": 1}, "unit": "count", "labels": {"Metric": "Verdict"}},
        {"data": counts, "unit": "pairs", "labels": {"Metric": "Completeness"}},
    ]


def test_pairs_that_were_planned_and_never_made_are_counted() -> None:
    """ClusterLoader2 would not say so."""
    assert perfdata(make_result(tcp_outcome(1024)), planned=2)["dataItems"][-1]["data"] == {
        "Planned": 2,
        "Measured": 1,
        "Missing": 1,
    }


def test_higher_percentiles_are_in_items_of_their_own() -> None:
    """Tools that look for ClusterLoader2's items find these as they know them."""
    result = make_result(*(tcp_outcome(1024 * place) for place in range(1, 1001)))
    items = [item for item in result.perfdata()["dataItems"] if item["labels"].get("Percentiles") == "tail"]
    assert [item["data"] for item in items] == [{"Perc90": 900.0, "Perc99": 990.0, "Perc99.9": 999.0}]


@pytest.mark.parametrize(
    ("outcome", "units"),
    [
        (tcp_outcome(1), {"Throughput": "kbytes/sec"}),
        (
            udp_outcome(),
            {"Packet_Per_Second": "pps", "Jitter": "ms", "Latency": "ms", "Lost_Packets": "percentage"},
        ),
        (http_outcome(), {"Response_Time": "seconds"}),
    ],
)
def test_each_protocol_has_its_metrics_and_units(outcome: PairOutcome, units: dict[str, str]) -> None:
    """By ClusterLoader2's names."""
    items = [item for item in make_result(outcome).perfdata()["dataItems"] if len(item["data"]) == 1]
    assert {item["labels"]["Metric"]: item["unit"] for item in items} == units


@pytest.mark.parametrize(
    ("metric", "value"),
    [("Packet_Per_Second", 950.0), ("Jitter", 0.005), ("Latency", 0.05), ("Lost_Packets", 5.0)],
)
def test_udp_figures_are_in_their_units(metric: str, value: float) -> None:
    """Of 2,000 datagrams in two seconds 1,900 came."""
    assert data_of(make_result(udp_outcome()), metric) == {"Value": pytest.approx(value)}


def test_response_time_is_in_seconds() -> None:
    """The mean of 1, 2 and 3 ms."""
    assert data_of(make_result(http_outcome()), "Response_Time") == {"Value": pytest.approx(0.002)}


def test_perfdata_is_json() -> None:
    """As it stands."""
    document = make_result(udp_outcome()).perfdata()
    assert json.loads(json.dumps(document)) == document


def test_a_delay_that_the_clocks_do_not_know_is_withheld() -> None:
    """A bare number would be taken for one that is known."""
    metrics = {item["labels"]["Metric"] for item in make_result(udp_outcome(bound_ns=40_000)).perfdata()["dataItems"]}
    assert ("Latency" in metrics, "Jitter" in metrics) == (False, True)
