"""What is written into objects is read from them again."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from netbench.errors import ProtocolError
from netbench.kube.control import (
    FleetControl,
    TimeBase,
    by_client,
    read_requests,
    read_statuses,
    request_object,
    split_by_client,
    status_of,
)
from netbench.kube.names import FleetNames
from netbench.kube.roll import roll_number
from netbench.messages import ControlRecord, Failure, PairStatus, Phase
from netbench.traffic import Tcp
from tests.support.crew import outcome
from tests.unit.worker.tasks import task_for

NAMES = FleetNames("team", "0123abcd")
REQUEST = task_for(Tcp()).request


def through_json(value: object) -> dict[str, Any]:
    """Give what an API server would keep of it."""
    kept: dict[str, Any] = json.loads(json.dumps(value))
    return kept


def test_requests_are_read_as_they_were_written() -> None:
    """Several of one client travel in one object, named after it."""
    requests = [REQUEST, attrs.evolve(REQUEST, pair_id="other", server="worker-2")]
    value = through_json(request_object(NAMES, requests[0].client, requests))
    assert list(read_requests(value, NAMES.fleet)) == requests
    assert value["metadata"]["name"] == REQUEST.client


@pytest.mark.parametrize("number", [None, 40])
def test_a_request_of_several_clients_is_taken_apart(number: int | None) -> None:
    """Each part is as if its client had an object of its own, its pairs' numbers in the roll included."""
    requests = [
        attrs.evolve(REQUEST, client=client, pair_id=pair_id)
        for client, pair_id in (("a", "1"), ("a", "2"), ("b", "3"), ("c", "4"))
    ]
    parts = split_by_client(through_json(request_object(NAMES, "whole", requests, roll_number=number)))
    assert {
        client: [request.pair_id for request in read_requests(part, NAMES.fleet)] for client, part in parts.items()
    } == {"a": ["1", "2"], "b": ["3"], "c": ["4"]}
    numbers = [roll_number(part) for part in parts.values()]
    assert numbers == ([None] * 3 if number is None else [40, 42, 43])


@pytest.mark.parametrize("pairs", ["{", "7", "[7]", "[{}]"])
def test_a_request_that_cannot_be_taken_apart_is_named(pairs: str) -> None:
    """Whoever wrote it."""
    with pytest.raises(ProtocolError, match=r"whole|JSON"):
        split_by_client({"metadata": {"name": "whole"}, "spec": {"pairs": pairs}})


def test_a_request_of_another_fleet_is_not_taken() -> None:
    """Nor one of ClusterLoader2."""
    value = through_json(request_object(FleetNames("team", "other"), REQUEST.client, [REQUEST]))
    assert list(read_requests(value, NAMES.fleet)) == []
    assert list(read_requests({"metadata": {}, "spec": {"clientPodName": "a"}}, NAMES.fleet)) == []


@pytest.mark.parametrize(
    "status",
    [
        PairStatus(run_id="run", pair_id="0.a.b", phase=Phase.ARMED, reported_ns=2**62),
        PairStatus(run_id="run", pair_id="0.a.b", phase=Phase.DONE, outcome=outcome(5)),
        PairStatus(
            run_id="run",
            pair_id="0.a.b",
            phase=Phase.FAILED,
            failure=Failure(phase=Phase.ARMING, reason="late", message="m"),
        ),
    ],
    ids=["armed", "done", "failed"],
)
def test_statuses_are_read_as_they_were_written(status: PairStatus) -> None:
    """The outcome with all its histograms."""
    value = through_json({"metadata": {"name": "a"}, "status": {"pairs": {status.pair_id: status_of(status)}}})
    assert list(read_statuses(value)) == [status]


def test_a_damaged_outcome_is_named() -> None:
    """With the pair and the object."""
    entry = {"phase": "Done", "runID": "run", "outcome": "no base64!"}
    with pytest.raises(ProtocolError, match="damaged"):
        list(read_statuses({"metadata": {"name": "a"}, "status": {"pairs": {"p": entry}}}))


def test_the_control_of_a_fleet_is_read_as_it_was_written() -> None:
    """Time base and records."""
    control = FleetControl(
        time_base=TimeBase(worker="a", host="::1", peer_port=7),
        records=(ControlRecord(run_id="run", round_index=1, start_ns=2**60),),
    )
    assert FleetControl.from_text(control.to_text()) == control


def test_requests_are_gathered_by_their_clients() -> None:
    """In the order in which they came."""
    other = attrs.evolve(REQUEST, client="worker-9")
    assert by_client([REQUEST, other, REQUEST]) == {REQUEST.client: [REQUEST, REQUEST], "worker-9": [other]}
