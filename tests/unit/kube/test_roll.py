"""The roll says of many pairs at once that they are armed."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from netbench.backends.kubernetes import arming
from netbench.backends.kubernetes.arming import Arming
from netbench.errors import ProtocolError
from netbench.kube.api import KubeApi
from netbench.kube.control import is_in_roll_call, read_roll, request_object, roll_object, roll_status
from netbench.kube.names import FleetNames
from netbench.messages import PairStatus, Phase
from netbench.traffic import Tcp
from netbench.worker.control.kubernetes.rollcall import RollCall
from tests.support.api_server import FakeApiServer
from tests.unit.worker.tasks import task_for

pytestmark = pytest.mark.anyio

NAMES = FleetNames("team", "0123abcd")


def test_a_roll_is_read_as_it_was_written() -> None:
    """Each pair with its instant."""
    armed = {"0.a.b": 1_700_000_000_000_000_001, "0.c.d": 5}
    assert read_roll({"status": roll_status(armed)}) == armed


@pytest.mark.parametrize("value", [{}, {"status": None}, {"status": {"phase": "Done"}}])
def test_what_has_no_roll_gives_none(value: dict[str, object]) -> None:
    """A request, or a roll in which nobody has written yet."""
    assert read_roll(value) is None


@pytest.mark.parametrize("text", ["", "[]", '{"a": "b"}', '{"a": 1.5}'])
def test_a_damaged_roll_is_refused(text: str) -> None:
    """By name."""
    with pytest.raises(ProtocolError):
        read_roll({"status": {"armed": text}})


@pytest.mark.parametrize("roll_call", [True, False])
def test_a_request_says_whether_it_is_in_the_roll_call(roll_call: bool) -> None:  # noqa: FBT001 - a parameter
    """Its worker must know whom to tell."""
    assert is_in_roll_call(request_object(NAMES, [task_for(Tcp()).request], roll_call=roll_call)) is roll_call


async def test_what_the_time_base_hears_is_in_the_roll() -> None:
    """Of all pairs, whenever each was armed."""
    api = KubeApi(FakeApiServer())
    await api.create(NAMES.requests, roll_object(NAMES, "run", 0))
    roll = RollCall(api, NAMES)
    async with anyio.create_task_group() as group:
        group.start_soon(roll.write)
        roll.note(NAMES.roll("run", 0), "0.a.b", 7)
        assert await written(api, 1) == {"0.a.b": 7}
        roll.note(NAMES.roll("run", 0), "0.c.d", 8)
        assert await written(api, 2) == {"0.a.b": 7, "0.c.d": 8}
        group.cancel_scope.cancel()


async def written(api: KubeApi, pairs: int) -> dict[str, int]:
    """Wait until the roll has so many pairs."""
    with anyio.fail_after(10):
        while True:
            armed = read_roll(await api.call("GET", f"{NAMES.requests}/{NAMES.roll('run', 0)}")) or {}
            if len(armed) >= pairs:
                return armed
            await anyio.sleep(0.01)


async def test_a_roll_that_is_gone_is_nobodys_trouble() -> None:
    """Its run has ended; the next one's is written."""
    api = KubeApi(FakeApiServer())
    await api.create(NAMES.requests, roll_object(NAMES, "run", 0))
    roll = RollCall(api, NAMES)
    async with anyio.create_task_group() as group:
        group.start_soon(roll.write)
        roll.note(NAMES.roll("gone", 0), "0.x.y", 1)
        roll.note(NAMES.roll("run", 0), "0.a.b", 7)
        assert await written(api, 1) == {"0.a.b": 7}
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
