"""A worker's statuses are written when they are worth a write."""

from __future__ import annotations

import anyio
import pytest

from netbench.messages import PairStatus, Phase
from netbench.worker.control.kubernetes import outbox
from netbench.worker.control.kubernetes.outbox import Outbox

pytestmark = pytest.mark.anyio


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


async def test_a_phase_that_does_not_pass_is_due_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pair that hangs says where."""
    monkeypatch.setattr(outbox, "_PASSING_S", 0.01)
    box = Outbox()
    box.put(status(Phase.ARMING))
    with anyio.fail_after(10):
        assert await box.take() == [status(Phase.ARMING)]


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
    box.drop("pair")
    assert await taken(box) == []
