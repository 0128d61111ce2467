"""A crew and its workers, connected as the Kubernetes backend does, through an API server in memory."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

import anyio
import attrs
import pytest

from netbench.backends.base import PodOptions
from netbench.backends.kubernetes.crew import KubernetesCrew
from netbench.backends.kubernetes.lease import FleetLease
from netbench.backends.kubernetes.objects import FleetObjects
from netbench.kube.api import KubeApi
from netbench.kube.control import read_hellos
from netbench.kube.names import HELLO_ANNOTATION, FleetNames
from netbench.kube.watching import follow
from netbench.messages import PROTOCOL_VERSION, HostFacts, WorkerHello
from netbench.tasks import background_tasks
from netbench.topology import Worker
from netbench.worker.agent import serve
from netbench.worker.control.kubernetes.opening import Way, open_kubernetes_control
from netbench.worker.timing import WorkerClock
from tests.support.api_server import FakeApiServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from netbench.worker.control.kubernetes.control import KubernetesControl

__all__ = ("BASE", "HOST", "NAME", "TIMEOUT_S", "Connected", "hello", "on_kubernetes")

TIMEOUT_S = 10.0
#: The worker, and the other one, which is the time base.
NAME, BASE = "worker-0", "worker-9"
HOST = "127.0.0.1"


@attrs.frozen(kw_only=True)
class Connected:
    """Both ends of control.

    Attributes:
        crew: The controller's.
        control: The worker's.
        api: What is between them.
        names: The fleet's names.
        base: Ends the other worker.
    """

    crew: KubernetesCrew
    control: KubernetesControl
    api: KubeApi
    names: FleetNames
    base: anyio.CancelScope


def hello() -> WorkerHello:
    """Give a worker's first words."""
    host = HostFacts(hostname="h", kernel="k", machine="m", cpu_count=1, python="3", netbench="0")
    return WorkerHello(
        worker=NAME,
        protocol=PROTOCOL_VERSION,
        pid=1,
        address=HOST,
        peer_port=1,
        drivers={"native": ""},
        host=host,
    )


@asynccontextmanager
async def on_kubernetes(
    clock: WorkerClock, *, is_relayed: bool = False, may_go_direct: bool = False
) -> AsyncIterator[Connected]:
    """Connect a crew with one worker and the time base, whose clock is right.

    Args:
        clock: The worker's clock.
        is_relayed: Whether the time base is the worker's relay.
        may_go_direct: Whether a worker with a relay may ask for the API server all the same.
    """
    api, names, key = KubeApi(FakeApiServer()), FleetNames("team", "0123abcd"), bytes(32)
    lease = FleetLease(api, FleetObjects(names=names, options=PodOptions(), code=(), key=key))
    crew = KubernetesCrew(api, names, lease, dict.fromkeys((NAME, BASE), BASE) if is_relayed else {})
    base = anyio.CancelScope()

    def opened() -> AbstractAsyncContextManager[KubeApi]:
        return nullcontext(api)

    def refused() -> AbstractAsyncContextManager[KubeApi]:
        pytest.fail("a worker with a relay asked for the API server")

    async def be_base() -> None:
        way = Way(group=BASE if is_relayed else "")
        with base:
            async with open_kubernetes_control(names, BASE, key, WorkerClock(), way, opened) as control:
                await serve(control, BASE, HOST, WorkerClock())

    await lease.create(2)
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(background_tasks())
        group.start_soon(be_base)
        with anyio.fail_after(TIMEOUT_S):
            while (said := await api.get(f"{names.leases}/{BASE}")) is None:  # noqa: ASYNC110 - as a user would look
                await anyio.sleep(0.01)
        (theirs,) = read_hellos(said["metadata"]["annotations"][HELLO_ANNOTATION])
        way = Way(group=BASE, relay=(HOST, theirs.peer_port)) if is_relayed else Way()
        opens = refused if is_relayed and not may_go_direct else opened
        control = await stack.enter_async_context(open_kubernetes_control(names, NAME, key, clock, way, opens))
        await control.announce(hello())
        workers = [Worker(name=name, node="n1", address=HOST) for name in (BASE, NAME)]
        await crew.begin(workers, {NAME: hello(), BASE: theirs})
        with anyio.fail_after(TIMEOUT_S):
            while control.time_base is None:  # noqa: ASYNC110 - nobody else waits for it
                await anyio.sleep(0.01)
        group.start_soon(partial(follow, api, names.requests, crew.take_request))
        yield Connected(crew=crew, control=control, api=api, names=names, base=base)
