"""A worker's statuses are written when they are worth a write."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from netbench.messages import PairStatus, Phase
from netbench.worker.control.kubernetes.outbox import Outbox
from tests.support.virtual_time import VirtualTimeLoop

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run in virtual time."""
    return ("asyncio", {"loop_factory": VirtualTimeLoop})


def status(phase: Phase, pair_id: str = "pair") -> PairStatus:
    """Give a status."""
    return PairStatus(run_id="run", pair_id=pair_id, phase=phase)


async def taken(box: Outbox) -> list[PairStatus]:
    """Give what is due, or nothing if nothing is."""
    with anyio.move_on_after(0.05):
        return await box.take()
    return []


@pytest.mark.parametrize("phase", [Phase.ARMED, Phase.DONE, Phase.FAILED])
async def test_what_lasts_is_due_at_once(phase: Phase) -> None:
    """The controller waits for it."""
    box = Outbox()
    box.put(status(phase))
    assert await taken(box) == [status(phase)]


@pytest.mark.parametrize("phase", [Phase.ARMING, Phase.RUNNING, Phase.GATHERING])
async def test_what_passes_by_is_not_due(phase: Phase) -> None:
    """It costs the API server a write and tells little."""
    box = Outbox()
    box.put(status(phase))
    assert await taken(box) == []


@pytest.mark.parametrize(("of_many", "after_s"), [(False, 5.0), (True, 30.0)], ids=["few", "many"])
async def test_a_phase_that_does_not_pass_is_due_after_a_while(of_many: bool, after_s: float) -> None:  # noqa: FBT001 - a parameter
    """A pair that hangs says where; one of many not when it is only as slow as all are."""
    box = Outbox()
    began_s = anyio.current_time()
    box.put(status(Phase.ARMING), of_many=of_many)
    assert await box.take() == [status(Phase.ARMING)]
    assert anyio.current_time() - began_s == pytest.approx(after_s)


async def test_a_status_that_is_overtaken_is_not_written() -> None:
    """The newest alone says how far the pair is."""
    box = Outbox()
    box.put(status(Phase.ARMING))
    box.put(status(Phase.ARMED))
    assert await taken(box) == [status(Phase.ARMED)]


async def test_what_waits_of_other_pairs_goes_along() -> None:
    """In the same write."""
    box = Outbox()
    box.put(status(Phase.GATHERING, "other"))
    box.put(status(Phase.DONE))
    assert {each.pair_id for each in await taken(box)} == {"pair", "other"}


async def test_what_is_dropped_is_not_written() -> None:
    """Its news goes another way."""
    box = Outbox()
    box.put(status(Phase.ARMED))
    box.drop(status(Phase.ARMED).key)
    assert await taken(box) == []
