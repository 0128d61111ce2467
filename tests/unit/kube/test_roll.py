"""The roll says of many pairs at once that they are armed."""

from __future__ import annotations

import time

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.backends.kubernetes import arming
from netbench.backends.kubernetes.arming import Arming
from netbench.errors import ProtocolError
from netbench.kube.api import KubeApi
from netbench.kube.control import request_object
from netbench.kube.names import FleetNames
from netbench.kube.roll import Roll, roll_number, roll_object
from netbench.messages import PairStatus, Phase
from netbench.traffic import Tcp
from netbench.worker.control.kubernetes.link import ApiLink
from netbench.worker.control.kubernetes.rollcall import RollCall
from netbench.worker.timing import WorkerClock
from tests.support.api_server import FakeApiServer
from tests.unit.worker.tasks import task_for

pytestmark = pytest.mark.anyio

NAMES = FleetNames("team", "0123abcd")


def read(text: str) -> Roll | None:
    """Read a roll with this text in it."""
    return Roll.of({"metadata": {"name": "netbench-0123abcd-run-0"}, "status": {"armed": text}})


@given(st.sets(st.integers(0, 5000)), st.integers(0, 2**63 - 1))
def test_a_roll_is_read_as_it_was_written(numbers: set[int], written_ns: int) -> None:
    """Which pairs are armed, and when that was written."""
    roll = Roll(armed=sum(1 << number for number in numbers), written_ns=written_ns)
    again = read(roll.to_status()["armed"])
    assert again == roll
    assert list(roll.numbers()) == sorted(numbers)


def test_a_roll_of_thousands_is_small() -> None:
    """What it costs the API server would grow with the square of the pairs."""
    assert len(Roll(armed=(1 << 4000) - 1, written_ns=time.time_ns()).to_status()["armed"]) < 1100


@pytest.mark.parametrize("value", [{}, {"status": None}, {"status": {"phase": "Done"}}])
def test_what_has_no_roll_gives_none(value: dict[str, object]) -> None:
    """A request, or a roll in which nobody has written yet."""
    assert Roll.of(value) is None


@pytest.mark.parametrize("text", ["", "7", "7@", "@7", "x@7", "-7@7", "7@1.5"])
def test_a_damaged_roll_is_refused(text: str) -> None:
    """By name."""
    with pytest.raises(ProtocolError, match="netbench-0123abcd-run-0"):
        read(text)


@pytest.mark.parametrize("number", [None, 0, 17])
def test_a_request_says_its_number_in_the_roll(number: int | None) -> None:
    """Its worker must know whom to tell, and what."""
    assert roll_number(request_object(NAMES, "c", [task_for(Tcp()).request], roll_number=number)) == number


async def test_what_the_time_base_hears_is_in_the_roll() -> None:
    """Of all pairs, whenever each was armed."""
    api = KubeApi(FakeApiServer())
    await api.create(NAMES.requests, roll_object(NAMES, "run", 0))
    roll = RollCall(ApiLink(api, NAMES, "worker-0"), WorkerClock())
    async with anyio.create_task_group() as group:
        group.start_soon(roll.write)
        roll.note(NAMES.roll("run", 0), 5)
        assert await written(api, 1) == [5]
        roll.note(NAMES.roll("run", 0), 3)
        assert await written(api, 2) == [3, 5]
        group.cancel_scope.cancel()


async def written(api: KubeApi, pairs: int) -> list[int]:
    """Wait until the roll has so many pairs."""
    with anyio.fail_after(10):
        while True:
            roll = Roll.of(await api.call("GET", f"{NAMES.requests}/{NAMES.roll('run', 0)}"))
            if roll is not None and len(found := list(roll.numbers())) >= pairs:
                return found
            await anyio.sleep(0.01)


async def test_a_roll_that_is_gone_is_nobodys_trouble() -> None:
    """Its run has ended; the next one's is written."""
    api = KubeApi(FakeApiServer())
    await api.create(NAMES.requests, roll_object(NAMES, "run", 0))
    roll = RollCall(ApiLink(api, NAMES, "worker-0"), WorkerClock())
    async with anyio.create_task_group() as group:
        group.start_soon(roll.write)
        roll.note(NAMES.roll("gone", 0), 1)
        roll.note(NAMES.roll("run", 0), 7)
        assert await written(api, 1) == [7]
        group.cancel_scope.cancel()


async def test_the_next_client_is_asked_when_the_pairs_of_the_one_before_are_armed() -> None:
    """Or have failed."""
    waiting = Arming()
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:

            async def ask() -> None:
                async with waiting.of("run", ["a", "b"]):
                    pass

            group.start_soon(ask)
            await anyio.lowlevel.checkpoint()
            waiting.take(PairStatus(run_id="run", pair_id="a", phase=Phase.ARMED))
            waiting.take(PairStatus(run_id="run", pair_id="b", phase=Phase.FAILED))


async def test_a_pair_that_hangs_does_not_keep_others_from_arming(monkeypatch: pytest.MonkeyPatch) -> None:
    """For longer than a while."""
    monkeypatch.setattr(arming, "_PATIENCE_S", 0.01)
    waiting = Arming()
    with anyio.fail_after(10):
        async with waiting.of("run", ["a"]):
            waiting.take(PairStatus(run_id="run", pair_id="a", phase=Phase.ARMING))


async def test_a_run_that_is_stopped_waits_for_none_of_its_pairs() -> None:
    """But others go on."""
    waiting = Arming()
    with anyio.fail_after(10):
        async with waiting.of("run", ["a"]):
            waiting.give_up("run")
