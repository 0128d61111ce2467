"""A worker takes each of its pairs once, from whatever objects it is told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from netbench.kube.control import request_object
from netbench.kube.names import FleetNames
from netbench.traffic import Tcp
from netbench.worker.control.kubernetes.underway import Asked, UnderWay
from tests.unit.worker.tasks import task_for

if TYPE_CHECKING:
    from netbench.messages import PairRequest

NAMES = FleetNames("team", "f")
REQUEST = task_for(Tcp()).request
POD = REQUEST.client


def told(uid: str, *requests: PairRequest, name: str = "object", roll_number: int | None = None) -> dict[str, Any]:
    """Give an object as the API server tells of it."""
    value = request_object(NAMES, name, requests, roll_number=roll_number)
    value["metadata"]["uid"] = uid
    return value


def of_others(number: int) -> dict[str, Any]:
    """Give the object of another worker's pair."""
    return told(f"other-{number}", attrs.evolve(REQUEST, client="other"), name=f"of-others-{number}")


def test_an_object_that_is_told_again_asks_for_nothing() -> None:
    """It changes with each status, also when its pairs have ended."""
    pairs = UnderWay(NAMES.fleet, POD)
    assert pairs.take(told("1", REQUEST)) == [REQUEST]
    assert pairs.take(told("1", REQUEST)) == []
    pairs.end(REQUEST.key)
    assert pairs.take(told("1", REQUEST)) == []


def test_the_objects_of_others_do_not_make_a_worker_forget_its_own() -> None:
    """Thousands are told where a worker without its relay follows all of its group."""
    pairs = UnderWay(NAMES.fleet, POD)
    pairs.take(told("1", REQUEST))
    assert [pairs.take(of_others(number)) for number in range(40)] == [[]] * 40
    assert pairs.take(told("1", REQUEST)) == []


def test_a_pair_under_way_is_not_taken_from_an_object_that_is_forgotten() -> None:
    """Its traffic would be measured twice."""
    pairs = UnderWay(NAMES.fleet, POD)
    pairs.take(told("1", REQUEST, name="first"))
    for number in range(40):
        later = attrs.evolve(REQUEST, pair_id=f"later-{number}")
        pairs.take(told(f"later-{number}", later, name=f"later-{number}"))
    assert pairs.take(told("1", REQUEST, name="first")) == []


def test_the_same_pair_of_a_later_run_is_another_one() -> None:
    """Its number in the roll of that run is its own, also where the earlier one has not ended."""
    pairs = UnderWay(NAMES.fleet, POD)
    pairs.take(told("1", REQUEST, roll_number=40))
    later = attrs.evolve(REQUEST, run_id="later")
    assert pairs.take(told("2", later)) == [later]
    assert pairs.get(later.key) == Asked(object_name="object", called=None)


def test_nobody_waits_for_a_pair_whose_object_is_made_anew() -> None:
    """What it still says is not to be written into the next round's."""
    pairs = UnderWay(NAMES.fleet, POD)
    pairs.take(told("1", REQUEST))
    pairs.take(told("2", attrs.evolve(REQUEST, pair_id="next")))
    assert pairs.get(REQUEST.key) is None


def test_a_pair_knows_its_number_in_the_roll() -> None:
    """Counted from that of the object's first pair."""
    pairs = UnderWay(NAMES.fleet, POD)
    others, mine = attrs.evolve(REQUEST, client="other"), attrs.evolve(REQUEST, round_index=3)
    pairs.take(told("1", others, mine, roll_number=40))
    assert pairs.get(mine.key) == Asked(object_name="object", called=(3, 41))


def test_a_worker_is_busy_until_its_pairs_have_ended() -> None:
    """One that is idle may wait before it asks the API server itself."""
    pairs = UnderWay(NAMES.fleet, POD)
    assert not pairs
    pairs.take(told("1", REQUEST))
    assert pairs
    pairs.end(REQUEST.key)
    assert not pairs
