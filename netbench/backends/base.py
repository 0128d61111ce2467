"""The controller's side of control: what a backend gives to everything above it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import attrs

from netbench import validation as v
from netbench.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from netbench.messages import ControlRecord, PairRequest, PairStatus, WorkerHello
    from netbench.topology import Node, Worker

__all__ = (
    "Backend",
    "BackendFacts",
    "Crew",
    "Finding",
    "FindingState",
    "FleetSpec",
    "PodOptions",
    "StatusEvent",
    "WorkerLost",
    "default_image",
)

#: A number with one of Kubernetes' suffixes.
_QUANTITY = re.compile(r"\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?")


def default_image() -> str:
    """Give a stock image, Python and nothing of ours: of the version that runs this, for it runs the same byte-code."""
    version = sys.version_info
    # What is no release yet has no image of this name.
    return f"python:{version.major}.{version.minor}-slim" if version.releaselevel == "final" else "python:3-slim"


def _wrong(attribute: attrs.Attribute[Any], value: object, expected: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"WorkerFleet({attribute.name}=)", value, expected)


def _tuple(value: Any) -> Any:  # noqa: ANN401 - from a caller, not checked yet
    return tuple(value) if isinstance(value, list | tuple) else value


def _word(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str) or not value or value != value.strip():
        raise _wrong(attribute, value, "a name")


def _words(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, tuple) or not all(isinstance(each, str) and each for each in value):
        raise _wrong(attribute, value, "a list of names")


def _mapping(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise _wrong(attribute, value, "a mapping with texts as keys, as in a pod")


def _mappings(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, tuple) or not all(isinstance(each, Mapping) for each in value):
        raise _wrong(attribute, value, "a list of mappings, as in a pod")


def _texts(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(each, str) for pair in value.items() for each in pair):
        raise _wrong(attribute, value, "a mapping from texts to texts")


def _resources(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    _texts(instance, attribute, value)
    if isinstance(value, Mapping) and not all(map(_QUANTITY.fullmatch, value.values())):
        raise _wrong(attribute, value, "quantities such as {'cpu': '500m', 'memory': '256Mi'}")


@attrs.frozen(kw_only=True)
class PodOptions:
    """How a worker's pod is to be; on a Kubernetes cluster only.

    Attributes:
        image: Any image with Python 3.11 or newer as ``python3``; with the version that runs this, workers are ready
            sooner.
        image_pull_policy: ``Always``, ``IfNotPresent`` or ``Never``; None leaves it to the cluster.
        image_pull_secrets: Names of Secrets in the namespace.
        resources: ``cpu`` and ``memory``, as request and limit; empty asks for little and limits nothing.
        node_selector: Labels that the node must have.
        tolerations: As in a pod.
        affinity: As in a pod.
        host_network: Whether workers use their nodes' network.
        priority_class: Name of a PriorityClass.
        labels: Further labels.
        annotations: Further annotations.
        pod_patch: Merged into the pod template at last, lists with names by name.
    """

    image: str = attrs.field(factory=default_image, validator=_word)
    image_pull_policy: str | None = attrs.field(
        default=None, validator=v.optional(v.one_of("Always", "IfNotPresent", "Never"))
    )
    image_pull_secrets: tuple[str, ...] = attrs.field(default=(), converter=_tuple, validator=_words)
    resources: Mapping[str, str] = attrs.field(factory=dict, validator=_resources)
    node_selector: Mapping[str, str] = attrs.field(factory=dict, validator=_texts)
    tolerations: tuple[Mapping[str, Any], ...] = attrs.field(default=(), converter=_tuple, validator=_mappings)
    affinity: Mapping[str, Any] = attrs.field(factory=dict, validator=_mapping)
    host_network: bool = attrs.field(default=False, validator=v.boolean)
    priority_class: str | None = attrs.field(default=None, validator=v.optional(_word))
    labels: Mapping[str, str] = attrs.field(factory=dict, validator=_texts)
    annotations: Mapping[str, str] = attrs.field(factory=dict, validator=_texts)
    pod_patch: Mapping[str, Any] = attrs.field(factory=dict, validator=_mapping)


@attrs.frozen(kw_only=True)
class FleetSpec:
    """How many workers, and where; exactly one of the first three is set.

    Attributes:
        workers: This many, spread evenly over the nodes.
        per_node: This many on each node.
        placement: This many on each named node.
        ready_timeout_s: How long they may take to become ready; None leaves it to the backend.
        pod: How their pods are to be; None where nothing was asked for.
        progress: Told how many are ready of how many, each time that changes.
    """

    workers: int | None
    per_node: int | None
    placement: Mapping[str, int] | None
    ready_timeout_s: float | None
    pod: PodOptions | None = None
    progress: Callable[[int, int], None] | None = None


@attrs.frozen(kw_only=True)
class BackendFacts:
    """What a result says about where it was measured.

    Attributes:
        kind: ``local`` or ``kubernetes``.
        details: Isolation, link rate and MTU, or context and server version, as words.
    """

    kind: str
    details: Mapping[str, str]


@attrs.frozen(kw_only=True)
class WorkerLost:
    """A worker ended that should not have.

    Attributes:
        worker: Its name.
        message: How it ended, with its last words where there are any.
    """

    worker: str
    message: str


FindingState: TypeAlias = Literal["ok", "limited", "missing"]


@attrs.frozen
class Finding:
    """One thing that a doctor looked at.

    Attributes:
        subject: What it is.
        state: ``ok``; ``limited``: netbench works without it, with less; ``missing``: nothing works without it.
        detail: What was found.
        remedy: What to do about it, empty when nothing is to be done.
    """

    subject: str
    state: FindingState
    detail: str
    remedy: str = ""


StatusEvent: TypeAlias = "PairStatus | WorkerLost"


class Crew(Protocol):
    """Placed workers that are ready, for as long as the context of :meth:`Backend.place` lasts."""

    @property
    def workers(self) -> tuple[Worker, ...]:
        """The workers, in the order of their names' numbers."""
        ...

    @property
    def hellos(self) -> Mapping[str, WorkerHello]:
        """What each worker said of itself."""
        ...

    @property
    def start_lead_s(self) -> float:
        """How far ahead a start instant must lie so that every worker hears of it in time."""
        ...

    def now_ns(self) -> int:
        """The time base's Unix time in nanoseconds."""
        ...

    async def submit(self, requests: Sequence[PairRequest]) -> None:
        """Hand each request to its client worker. A worker that is lost shows up in :meth:`statuses`, not here."""
        ...

    async def publish(self, record: ControlRecord) -> None:
        """Fire or stop a round: every worker of the run hears of it."""
        ...

    def statuses(self, run_id: str) -> AbstractAsyncContextManager[AsyncIterator[StatusEvent]]:
        """Stream a run's statuses and the fleet's losses, those from before the call included."""
        ...

    async def forget(self, run_id: str) -> None:
        """Remove the run's requests and control records."""
        ...


class Backend(Protocol):
    """A cluster that is open."""

    @property
    def facts(self) -> BackendFacts:
        """What a result says about it."""
        ...

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that workers can be placed on."""
        ...

    def abandon(self) -> None:
        """Leave at once: removals are not waited for any more, and what remains is told by a CleanupError."""
        ...

    def place(self, spec: FleetSpec) -> AbstractAsyncContextManager[Crew]:
        """Place workers and wait until they are ready; remove them at the end, whatever the end.

        Raises:
            PlacementError: A worker did not become ready.
        """
        ...
