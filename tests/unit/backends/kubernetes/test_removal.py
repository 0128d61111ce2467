"""A fleet's end on an API server whose pods take their time."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from netbench.backends.base import PodOptions
from netbench.backends.kubernetes.crd import CRD_PATH
from netbench.backends.kubernetes.fleet import FleetPlan, open_fleet
from netbench.kube.api import KubeApi
from tests.support.api_server import FakeApiServer, listing, thing
from tests.support.virtual_time import VirtualTimeLoop

if TYPE_CHECKING:
    from netbench.kube.transport import Reply

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Let a minute pass at once."""
    return "asyncio", {"loop_factory": VirtualTimeLoop}


class SlowNodes(FakeApiServer):
    """Pods stay for so long after they are deleted."""

    def __init__(self, stay_s: float) -> None:
        super().__init__()
        self.renewals: list[float] = []
        self._stay_s = stay_s
        self._gone_at = 0.0

    async def send(self, verb: str, path: str, *, body: bytes | None, **others: object) -> Reply:
        """Note when the Lease is renewed, and have the pods go."""
        if verb == "DELETE" and "/pods?" in path and not self._gone_at:
            self._gone_at = anyio.current_time() + self._stay_s
        if verb == "PATCH" and "/leases/" in path:
            self.renewals.append(anyio.current_time())
        return await super().send(verb, path, body=body, **others)

    def _post(self, path: str, params: dict[str, str], value: Any) -> tuple[int, Any]:
        established = {"conditions": [{"type": "Established", "status": "True"}]}
        return super()._post(path, params, {**value, "status": established} if path == CRD_PATH else value)

    def _get(self, path: str, params: dict[str, str], value: Any) -> tuple[int, Any]:
        if path.endswith("/pods") and anyio.current_time() < self._gone_at:
            return listing(1, thing("worker-0", 1))
        return super()._get(path, params, value)


async def removed(server: SlowNodes, *, after_s: float = 0.0) -> None:
    """Have a fleet for so long and remove it."""
    plan = FleetPlan(
        namespace="team",
        counts={},
        options=PodOptions(),
        zones={},
        ready_timeout_s=None,
        progress=None,
        arguments="",
    )
    async with open_fleet(KubeApi(server), plan, (), anyio.Event()):
        await anyio.sleep(after_s)


async def test_a_removal_that_takes_long_keeps_the_lease_so_that_nobody_takes_the_fleet_for_dead() -> None:
    """Its workers go on until they are deleted, and ``netbench cleanup`` leaves it alone."""
    server = SlowNodes(stay_s=45)
    await removed(server)
    assert len(server.renewals) == 4


async def test_a_removal_s_first_sign_of_life_is_no_later_than_any_other() -> None:
    """A worker that hears nothing for long leaves its relay, and thousands then go to the API server."""
    server = SlowNodes(stay_s=15)
    await removed(server, after_s=19)
    gaps = [later - earlier for earlier, later in pairwise(server.renewals)]
    assert gaps == pytest.approx([10, 10], abs=0.5)
