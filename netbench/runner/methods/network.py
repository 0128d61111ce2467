"""``NetworkPerformanceMetrics``: ClusterLoader2's network measurement, through the public API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anyio

from netbench.errors import NetbenchError, StateError
from netbench.events import PairFailed, progress_line
from netbench.fleet import WorkerFleet
from netbench.result.perfdata import no_perfdata, perfdata
from netbench.runner.methods.params import NetworkSettings, read_settings
from netbench.runner.methods.thresholds import missed
from netbench.runner.outcome import Summary
from netbench.runner.registry import measurement_method
from netbench.tasks import background_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netbench.result import Result
    from netbench.run import Run
    from netbench.runner.calls import MethodCall
    from netbench.runner.context import MethodContext
    from netbench.runner.places import Problems

__all__ = ("NetworkPerformanceMetrics",)

_NAME = "NetworkPerformanceMetrics"


@measurement_method(_NAME)
class NetworkPerformanceMetrics:
    """One instance: a fleet from ``start`` to ``gather``, and the run on it."""

    def __init__(self) -> None:
        self._held: _HeldRun | None = None
        # What was asked for by a start that failed.
        self._failed: NetworkSettings | None = None

    @staticmethod
    def check(call: MethodCall, problems: Problems) -> NetworkSettings | None:
        """Look at a call's Params before anything is started."""
        return read_settings(call, problems)

    async def execute(self, call: MethodCall, context: MethodContext) -> Sequence[Summary]:
        """Start, or gather.

        Raises:
            NetbenchError: The fleet could not be placed, or a result is missing or missed its threshold.
        """
        if isinstance(call.settings, NetworkSettings):
            if self._held is not None:
                msg = "it was started before and not gathered since"
                raise StateError(msg)
            held = _HeldRun(call.settings, context, lambda line: context.tell(f"{call.identifier}: {line}"))
            self._failed = call.settings
            await held.start()
            self._held, self._failed = held, None
            return ()
        if self._failed is not None:
            return [_nothing(self._failed, "the start failed")]
        if self._held is None:
            msg = "there is nothing to gather"
            raise StateError(msg)
        held, self._held = self._held, None
        try:
            return [await held.gather()]
        except NetbenchError as error:
            return [_nothing(held.settings, str(error))]

    async def dispose(self) -> None:
        """Stop what was not gathered, and remove its workers."""
        if self._held is not None:
            await self._held.close()


class _HeldRun:
    """A fleet and its run, held open by a task of their own: what opens a fleet must also close it."""

    def __init__(self, settings: NetworkSettings, context: MethodContext, tell: Callable[[str], None]) -> None:
        self.settings = settings
        self._context = context
        self._tell = tell
        self._started = anyio.Event()
        self._release = anyio.Event()
        self._closed = anyio.Event()
        self._run: Run | None = None
        self._failure: Exception | None = None

    async def start(self) -> None:
        self._context.start_soon(self._hold)
        await self._started.wait()
        if self._failure is not None:
            await self._closed.wait()
            raise self._failure

    async def _hold(self) -> None:
        try:
            async with self._fleet() as fleet:
                self._run = await self.settings.measurement.start(fleet, self.settings.pairing)
                self._started.set()
                async with background_tasks() as group:
                    group.start_soon(self._tell_progress, self._run)
                    await self._release.wait()
        except NetbenchError as error:
            self._failure = error
        finally:
            self._started.set()
            self._closed.set()

    def _fleet(self) -> WorkerFleet:
        cluster = self._context.cluster
        arguments = dict(self.settings.worker.arguments)
        if cluster.backend.facts.kind != "kubernetes":
            arguments = {}
        return WorkerFleet(cluster, self.settings.workers, progress=self._tell_ready, **arguments)

    def _tell_ready(self, ready: int, expected: int) -> None:
        self._tell(f"{ready} of {expected} workers ready")

    async def _tell_progress(self, run: Run) -> None:
        async for event in run.events():
            line = progress_line(event)
            # Failures are told with the result.
            if line is not None and not isinstance(event, PairFailed):
                self._tell(line)

    async def gather(self) -> Summary:
        assert self._run is not None  # noqa: S101 - it was started
        try:
            result = await self._run.gather()
        finally:
            await self.close()
        return _summary(self.settings, result)

    async def close(self) -> None:
        """Remove the fleet.

        Raises:
            NetbenchError: It failed meanwhile, or something of it remains.
        """
        self._release.set()
        await self._closed.wait()
        if self._failure is not None:
            raise self._failure


def _nothing(settings: NetworkSettings, why: str) -> Summary:
    """Report that nothing was measured, so that tools which read reports see it too."""
    document = no_perfdata(settings.pairs)
    protocol = settings.measurement.traffic.protocol
    failure = f"nothing was measured, of {settings.pairs} pair(s): {why}"
    return Summary(name=_name(settings, protocol), content=json.dumps(document, indent=2), failures=(failure,))


def _name(settings: NetworkSettings, protocol: str) -> str:
    return f"{_NAME}_{settings.ratio}_{protocol.upper()}_P2P"


def _summary(settings: NetworkSettings, result: Result) -> Summary:
    # Each repetition has all of them.
    planned = settings.pairs * result.repeats
    document = perfdata(result, planned=planned)
    failures = [
        *(str(failure) for failure in result.failures),
        *(f"{left.worker.name} on {left.worker.node} is in no pair: {left.reason}" for left in result.left_over),
        *missed(settings.thresholds, document),
    ]
    lost = planned - len(result.pairs) - len(result.failures)
    if lost > 0:
        failures.insert(0, f"{lost} of {planned} pairs could not be made")
    if result.stopped_early:
        failures.append("it was stopped before its time")
    return Summary(
        name=_name(settings, result.spec.traffic.protocol),
        content=json.dumps(document, indent=2),
        result=result,
        failures=tuple(failures),
    )
