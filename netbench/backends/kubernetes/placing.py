"""Waiting until a fleet's pods are ready: follows the watches, and fails by name as soon as the cluster knows."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio

from netbench.backends.kubernetes.pods import PodFacts, Trouble
from netbench.errors import BackendError, PlacementError, ProtocolError
from netbench.kube.control import read_hellos
from netbench.kube.names import HELLO_ANNOTATION
from netbench.messages import PROTOCOL_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from netbench.kube.api import KubeApi
    from netbench.kube.names import FleetNames
    from netbench.kube.watching import Change
    from netbench.messages import WorkerHello

__all__ = ("Arrivals",)

_LOG_LINES = 12


class Arrivals:
    """What is known of a fleet's pods until all are ready; fed by watches.

    Args:
        api: For the logs of a pod that crashed.
        names: The fleet's names.
        expected: How many workers there are to be.
        progress: Told how many are ready of how many.
    """

    def __init__(
        self, api: KubeApi, names: FleetNames, expected: int, progress: Callable[[int, int], None] | None
    ) -> None:
        self._api = api
        self._names = names
        self._expected = expected
        self._progress = progress
        self._pods: dict[str, PodFacts] = {}
        self._hellos: dict[str, WorkerHello] = {}
        self._unclear: str | None = None
        # Kept up to date with each change: to look at thousands of pods each time one of them changes takes minutes.
        self._arrived: set[str] = set()
        self._troubles: dict[str, Trouble] = {}
        self._ready = 0
        self._changed = anyio.Event()

    def take_pod(self, change: Change) -> None:
        """Take a change of one of the fleet's pods."""
        if change.kind == "listed":
            return
        name = change.value["metadata"]["name"]
        if change.kind != "deleted":
            self._pods[name] = PodFacts.of(change.value)
        elif name in self._pods:
            self._pods[name] = self._pods[name].removed()
        self._look(name)
        self._notify()

    def take_lease(self, change: Change) -> None:
        """Take the hello of a worker, or of several."""
        text = (change.value.get("metadata", {}).get("annotations") or {}).get(HELLO_ANNOTATION)
        if change.kind != "present" or text is None:
            return
        try:
            for hello in read_hellos(text):
                self._take_hello(hello)
        except ProtocolError as error:
            self._unclear = f"worker {change.value['metadata']['name']} said what cannot be understood: {error}"
        self._notify()

    async def ready(self, name: str) -> WorkerHello:
        """Wait until a worker is ready, and give its hello. The caller sets the deadline."""
        while name not in self._arrived:
            await self._changed.wait()
        return self._hellos[name]

    async def wait(self, timeout_s: float) -> list[tuple[PodFacts, WorkerHello]]:
        """Wait until all workers are ready, and give their pods and hellos by name.

        Raises:
            PlacementError: One will not become ready, or not in time.
        """
        with anyio.move_on_after(timeout_s):
            while True:
                changed = self._changed
                ready = self._arrived
                if len(ready) != self._ready and self._progress is not None:
                    self._progress(len(ready), self._expected)
                self._ready = len(ready)
                if len(ready) >= self._expected:
                    return [(self._pods[name], self._hellos[name]) for name in sorted(ready)[: self._expected]]
                await self._refuse_hopeless()
                await changed.wait()
        raise self._late(timeout_s)

    def _take_hello(self, hello: WorkerHello) -> None:
        if hello.protocol == PROTOCOL_VERSION:
            self._hellos[hello.worker] = hello
            self._look(hello.worker)
        else:
            self._unclear = (
                f"worker {hello.worker} speaks version {hello.protocol} of the protocol, "
                f"this controller {PROTOCOL_VERSION}"
            )

    def _look(self, name: str) -> None:
        pod = self._pods.get(name)
        self._arrived.discard(name)
        self._troubles.pop(name, None)
        if pod is None:
            return
        if pod.trouble is not None:
            self._troubles[name] = pod.trouble
        elif name in self._hellos and pod.node:
            self._arrived.add(name)

    async def _refuse_hopeless(self) -> None:
        if self._unclear is not None:
            raise PlacementError(self._unclear, worker=self._names.base)
        if self._troubles:
            name = min(self._troubles)
            words = await self._words(name, self._troubles[name])
            raise PlacementError(words, worker=name, node=self._pods[name].node)

    async def _words(self, pod: str, found: Trouble) -> str:
        words = f"{found.reason}: {found.message}"
        log = await self._log(pod) if found.has_log else ""
        return f"{words}\nThe last lines of its log:\n{log}" if log and log not in words else words

    async def _log(self, pod: str) -> str:
        for previous in ("true", "false"):
            path = (
                f"/api/v1/namespaces/{self._names.namespace}/pods/{pod}/log?tailLines={_LOG_LINES}&previous={previous}"
            )
            try:
                reply = await self._api.transport.send(
                    "GET", path, body=None, content_type="application/json", timeout_s=5
                )
            except BackendError:
                return ""
            if reply.status == HTTPStatus.OK and reply.body.strip():
                return "\n".join(f"  {line}" for line in reply.body.decode(errors="replace").strip().splitlines())
        return ""

    def _late(self, timeout_s: float) -> PlacementError:
        arrived = self._arrived
        missing = {name: pod for name, pod in sorted(self._pods.items()) if name not in arrived}
        lines = [f"  {name} on {pod.node or 'no node'}: {_why(pod)}" for name, pod in missing.items()]
        not_made = self._expected - len(self._pods)
        if not_made > 0:
            lines.append(f"  {not_made} pod(s) are not there")
        first = next(iter(missing), self._names.base)
        details = "\n".join(lines)
        ready = f"{len(arrived)} of {self._expected} workers are ready"
        msg = f"not ready within {timeout_s:g} s; {ready}. Missing:\n{details}"
        return PlacementError(msg, worker=first, node=missing[first].node if first in missing else None)

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


def _why(pod: PodFacts) -> str:
    return pod.waits_for if pod.trouble is None else f"{pod.trouble.reason}: {pod.trouble.message}"
