"""What travels between controller and workers, and how it is written down.

The values are attrs classes; :func:`to_wire` and :func:`from_wire` turn them into plain JSON data and back, strictly: a
number is never rounded to fit and an unknown key is refused.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, get_origin

import attrs
from cattrs import BaseValidationError, Converter, transform_error
from cattrs.strategies import configure_tagged_union
from cattrs.v import format_exception

from netbench.clock import ClockComparison
from netbench.errors import NetbenchError, ProtocolError
from netbench.integers import Integers
from netbench.metrics import FlowRecord, SideReport
from netbench.traffic import Http, Tcp, Traffic, Udp

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = (
    "PROTOCOL_VERSION",
    "ControlRecord",
    "DriverName",
    "Failure",
    "HostFacts",
    "PairKey",
    "PairOutcome",
    "PairRequest",
    "PairStatus",
    "Phase",
    "Timing",
    "WorkerHello",
    "from_wire",
    "to_wire",
)

#: Raised whenever a controller and a worker of different age would misunderstand each other.
PROTOCOL_VERSION = 9

DriverName: TypeAlias = Literal["native", "iperf2", "iperf3"]
#: A run's name and a pair's: the same pair has the same name in each run.
PairKey: TypeAlias = tuple[str, str]

T = TypeVar("T")


class Phase(StrEnum):
    """Where a pair is on its way from request to result."""

    PENDING = "Pending"
    ARMING = "Arming"
    ARMED = "Armed"
    RUNNING = "Running"
    GATHERING = "Gathering"
    DONE = "Done"
    FAILED = "Failed"

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self in {Phase.DONE, Phase.FAILED}


@attrs.frozen(kw_only=True)
class Failure:
    """Why a pair has no result.

    Attributes:
        phase: The phase it failed in.
        reason: A short, stable word: ``worker-lost``, ``timeout``, ``refused``, ``port-taken``, ``unreachable``,
            ``connection-lost``, ``program-missing``, ``program-failed``, ``unsupported``, ``no-traffic``, ``late``,
            ``stopped``, ``protocol``, ``internal``.
        message: What happened, where, and what to do.
        worker: The worker at fault, None where it cannot be told.
    """

    phase: Phase
    reason: str
    message: str
    worker: str | None = None


@attrs.frozen(kw_only=True)
class HostFacts:
    """What makes a worker's numbers mean something a year later.

    Attributes:
        hostname: The machine's or pod's own name.
        kernel: Operating system and its release.
        machine: Processor architecture.
        cpu_count: Processors this worker may run on.
        python: Python's version.
        netbench: The worker's netbench.
        congestion: The system's default TCP congestion control.
        interface: The interface that carries the traffic.
        mtu: Its MTU in bytes.
        offloads: Its offloads (``tso``, ``gso``, ``gro``, ``rx-checksum``, ``tx-checksum``), true where on.
    """

    hostname: str
    kernel: str
    machine: str
    cpu_count: int
    python: str
    netbench: str
    congestion: str | None = None
    interface: str | None = None
    mtu: int | None = None
    offloads: dict[str, bool] | None = None


@attrs.frozen(kw_only=True)
class WorkerHello:
    """A worker's first words.

    Attributes:
        worker: Its name.
        protocol: Its :data:`PROTOCOL_VERSION`.
        pid: Its process id, as it sees it.
        address: The address at which other workers reach it. A pod's status tells it too, up to a second later.
        peer_port: The TCP port there at which it takes sessions from them.
        drivers: The drivers it can run; for each the path of its program, ``""`` for the native one.
        host: Facts about where it runs.
    """

    worker: str
    protocol: int
    pid: int
    address: str
    peer_port: int
    drivers: dict[str, str]
    host: HostFacts


@attrs.frozen(kw_only=True)
class PairRequest:
    """What the controller asks of one pair, sent to its client worker.

    Attributes:
        run_id: The run it belongs to.
        round_index: The round in which it sends, from 0.
        pair_id: Unique within the run.
        client: Name of the client worker, which receives the request.
        server: Name of the server worker.
        server_host: Address at which the traffic reaches the server.
        server_peer_port: TCP port of the server worker's peer sessions, at the same address.
        traffic: What to send.
        driver: The tool to send it with.
        duration_s: How long traffic counts.
        warmup_s: How long it flows before it counts.
        interval_s: Length of one interval of the throughput series.
        data_port: First port of the server's data sockets; None lets its system choose.
        seed: Seed of the payload's bytes.
        arm_timeout_s: The client worker gives up arming after this.
        gather_timeout_s: And gathering after this.
    """

    run_id: str
    round_index: int
    pair_id: str
    client: str
    server: str
    server_host: str
    server_peer_port: int
    traffic: Traffic
    driver: DriverName
    duration_s: float
    warmup_s: float
    interval_s: float
    data_port: int | None
    seed: int
    arm_timeout_s: float
    gather_timeout_s: float

    @property
    def key(self) -> PairKey:
        """The pair among those of all runs."""
        return self.run_id, self.pair_id


@attrs.frozen(kw_only=True)
class ControlRecord:
    """The one small object per round that fires and stops it.

    Attributes:
        run_id: The run.
        round_index: The round, from 0.
        start_ns: The start instant in Unix nanoseconds of the time base, None until it is fixed.
        stop: Whether to stop now and report what was measured.
    """

    run_id: str
    round_index: int
    start_ns: int | None = None
    stop: bool = False


@attrs.frozen(kw_only=True)
class Timing:
    """When a pair really sent. Instants are Unix nanoseconds of the time base, with which all clocks are compared.

    Attributes:
        asked_start_ns: The start instant that was published.
        start_lateness_ns: The achieved first send less the asked instant.
        counted_from_ns: From here traffic counted.
        counted_until_ns: Until here.
        base_clock: The time base as seen from the client worker's clock; None where the backend has no way to compare.
        peer_clock: The server worker's clock as seen from the client worker's, before the start.
        peer_clock_after: The same after the end, None where the server was not there any more.
        stopped_early: Whether the run was stopped before its time.
    """

    asked_start_ns: int
    start_lateness_ns: int
    counted_from_ns: int
    counted_until_ns: int
    base_clock: ClockComparison | None
    peer_clock: ClockComparison
    peer_clock_after: ClockComparison | None
    stopped_early: bool = False


@attrs.frozen(kw_only=True)
class PairOutcome:
    """What a pair measured: both sides and when."""

    timing: Timing
    client: SideReport
    server: SideReport


@attrs.frozen(kw_only=True)
class PairStatus:
    """How far a pair is; a worker writes a handful of these per run.

    Attributes:
        run_id: The run.
        pair_id: The pair.
        phase: Where it is.
        failure: Set in phase ``Failed``.
        outcome: Set in phase ``Done``.
        reported_ns: When it was written, Unix nanoseconds of the time base; None before the clocks are compared.
    """

    run_id: str
    pair_id: str
    phase: Phase
    failure: Failure | None = None
    outcome: PairOutcome | None = None
    reported_ns: int | None = None

    @property
    def key(self) -> PairKey:
        """The pair among those of all runs."""
        return self.run_id, self.pair_id


def _exact(kind: type[object], *also: type[object]) -> Any:  # noqa: ANN401 - JSON
    def structure(value: object, _: object) -> object:
        if type(value) is kind or type(value) in also:
            return kind(value) if also else value  # type: ignore[call-arg] # each of them takes one
        msg = f"expected {kind.__name__}, not {value!r}"
        raise ValueError(msg)

    return structure


def _is_tuple(kind: Any) -> bool:  # noqa: ANN401 - any annotation
    return get_origin(kind) is tuple


def _only_lists(structure: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Refuse other iterables for a sequence: a string would be taken letter by letter, a mapping key by key."""

    def check(value: Any, kind: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, list | tuple):
            return structure(value, kind)
        msg = f"expected a list, not {value!r}"
        raise ValueError(msg)

    return check


def _integers(structure: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Take what was packed as it is, and lists number by number."""

    def check(value: Any, _: Any) -> Any:  # noqa: ANN401 - JSON
        return value if isinstance(value, Integers) else Integers(structure(value, tuple[int, ...]))

    return check


def _words(error: BaseException, kind: type[Any] | None) -> str:
    """Let our own errors speak for themselves."""
    return str(error) if isinstance(error, NetbenchError) else format_exception(error, kind)


@cache
def converter() -> Converter:
    """Make the converter of all wire values, once."""
    made = Converter(forbid_extra_keys=True)
    made.register_structure_hook(int, _exact(int))
    made.register_structure_hook(bool, _exact(bool))
    made.register_structure_hook(str, _exact(str))
    made.register_structure_hook(float, _exact(float, int))
    made.register_structure_hook_func(_is_tuple, _only_lists(made.get_structure_hook(tuple[int, ...])))
    made.register_structure_hook(Integers, _integers(made.get_structure_hook(tuple[int, ...])))
    made.register_unstructure_hook(Integers, list)
    # A StrEnum is a str too, and would be taken for one.
    made.register_structure_hook(Phase, lambda value, _: Phase(value))
    configure_tagged_union(Traffic, made, tag_name="protocol", tag_generator=_protocol)
    configure_tagged_union(FlowRecord, made, tag_name="kind")
    return made


def _protocol(kind: type[Any]) -> str:
    return {Tcp: "tcp", Udp: "udp", Http: "http"}[kind]


def to_wire(value: object, kind: Any = None) -> Any:  # noqa: ANN401 - JSON
    """Turn a value into JSON data. ``kind`` names the union it belongs to, where it belongs to one."""
    return converter().unstructure(value, unstructure_as=kind or type(value))


def from_wire(data: object, kind: type[T]) -> T:
    """Turn JSON data into a value of this kind.

    Raises:
        ProtocolError: The data does not fit; the message lists each place that does not.
    """
    try:
        return converter().structure(data, kind)
    except (BaseValidationError, NetbenchError, ValueError, TypeError, AttributeError, KeyError) as error:
        details = (
            "; ".join(transform_error(error, path="$", format_exception=_words))
            if isinstance(error, BaseValidationError)
            else str(error)
        )
        msg = f"not a valid {getattr(kind, '__name__', kind)}: {details}"
        raise ProtocolError(msg) from error
