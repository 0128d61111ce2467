"""What to measure, and how it is started on a fleet."""

from __future__ import annotations

import platform
import secrets
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import attrs

from netbench import validation as v
from netbench.errors import InvalidArgumentError, MissingProgramError
from netbench.messages import DriverName, PairRequest
from netbench.pairing import Pairing, PairingStrategy, check_pairing
from netbench.result import MeasurementFacts, PairFailure, PairResult, Precision, Result, RunMetadata
from netbench.result.precision import tells
from netbench.rounds import RoundPlan
from netbench.run import Run
from netbench.traffic import Http, Tcp, Traffic, Udp
from netbench.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netbench.fleet import WorkerFleet
    from netbench.messages import WorkerHello
    from netbench.topology import Pair

__all__ = ("Measurement",)

#: More intervals than this in one series make a result too large to travel.
INTERVALS_MAX = 36_000
#: What the iperf programs take.
_IPERF_INTERVAL_MIN_S, _IPERF_INTERVAL_MAX_S = 0.1, 60.0
#: The Debian package of each external driver's program, and the program.
_PROGRAMS = {"iperf2": ("iperf", "iperf"), "iperf3": ("iperf3", "iperf3")}


def _traffic(_: Any, __: Any, value: Any) -> None:  # noqa: ANN401 - attrs' signature
    if not isinstance(value, Tcp | Udp | Http):
        raise InvalidArgumentError("Measurement(traffic)", value, "a Tcp(), Udp() or Http()")


def _interval(instance: Measurement, attribute: attrs.Attribute[Any], value: float) -> None:
    if value > instance.duration_s:
        raise v.fail(instance, attribute.name, value, f"at most duration_s, {instance.duration_s:g}")
    if instance.duration_s / value > INTERVALS_MAX:
        least = instance.duration_s / INTERVALS_MAX
        raise v.fail(instance, attribute.name, value, f"at least {least:g} for so long a duration_s")


def _default_interval(measurement: Measurement) -> float:
    duration_s: object = measurement.duration_s
    # What is no number is refused when all is checked, after the defaults are there.
    return min(0.1, duration_s) if isinstance(duration_s, int | float) else 0.1


def _driver(instance: Measurement, attribute: attrs.Attribute[Any], value: str) -> None:
    """Refuse, before anything is started, what a program cannot do."""
    if value == "native":
        return
    if isinstance(instance.traffic, Http):
        raise v.fail(instance, attribute.name, value, "'native' for Http, which the iperf programs do not speak")
    if isinstance(instance.traffic, Udp) and instance.warmup_s:
        expected = f"0 with driver={value!r} and Udp, whose two sides cannot agree on which datagrams to leave out"
        raise v.fail(instance, "warmup_s", instance.warmup_s, expected)
    if not _IPERF_INTERVAL_MIN_S <= instance.interval_s <= _IPERF_INTERVAL_MAX_S:
        expected = f"from {_IPERF_INTERVAL_MIN_S:g} to {_IPERF_INTERVAL_MAX_S:g} with driver={value!r}"
        raise v.fail(instance, "interval_s", instance.interval_s, expected)
    for name in ("duration_s", "warmup_s"):
        if value == "iperf3" and getattr(instance, name) % 1:
            raise v.fail(instance, name, getattr(instance, name), "whole seconds with driver='iperf3'")


def _until(instance: Measurement, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not isinstance(value, Precision):
        raise v.fail(instance, attribute.name, value, "a Precision() or None")
    if value is not None and instance.repeats != 1:
        raise v.fail(instance, "repeats", instance.repeats, "left out with until=, which decides how often")
    statistic = None if value is None else value.statistic
    if statistic is not None and not tells(statistic, instance.traffic, instance.driver):
        what = f"a figure that {type(instance.traffic).__name__} has with driver={instance.driver!r}"
        raise v.fail(instance, "until.statistic", statistic, what)


@attrs.frozen
class Measurement:
    """What to measure: a traffic specification, how long, and with which tool.

    Attributes:
        traffic: What each pair sends.
        duration_s: How long traffic counts.
        warmup_s: How long it flows before it counts.
        interval_s: Length of one interval of the throughput series.
        driver: ``native`` (netbench's own), ``iperf2`` or ``iperf3`` (the real programs, for TCP and UDP).
        seed: Seed of the payload's bytes, so that a run can be repeated to the bit.
        port: First port of the servers' data sockets; None lets each system choose free ones.
        repeats: How often the pairing's rounds are measured, one after the other on the same workers. The result's
            ``interval`` says how well they agree.
        until: Repeat until the confidence interval is narrow enough, or the limit in it is reached; instead of
            ``repeats``. A repetition in which a pair fails, or a stop, ends it.
        arm_timeout_s: How long the pairs may take until every socket is open and the clocks are compared.
        gather_timeout_s: How long results may take after the end.

    Raises:
        InvalidArgumentError: An argument is wrong; the message names it.
    """

    traffic: Traffic = attrs.field(validator=_traffic)
    duration_s: float = attrs.field(default=10.0, kw_only=True, validator=v.number(above=0))
    warmup_s: float = attrs.field(default=0.0, kw_only=True, validator=v.number(at_least=0))
    interval_s: float = attrs.field(
        default=attrs.Factory(_default_interval, takes_self=True),
        kw_only=True,
        validator=[v.number(at_least=0.001), _interval],
    )
    driver: DriverName = attrs.field(
        default="native", kw_only=True, validator=[v.one_of("native", "iperf2", "iperf3"), _driver]
    )
    seed: int = attrs.field(default=0, kw_only=True, validator=v.integer(at_least=0))
    port: int | None = attrs.field(
        default=None, kw_only=True, validator=v.optional(v.integer(at_least=1, at_most=65535))
    )
    repeats: int = attrs.field(default=1, kw_only=True, validator=v.integer(at_least=1, at_most=1000))
    until: Precision | None = attrs.field(default=None, kw_only=True, validator=_until)
    arm_timeout_s: float = attrs.field(default=15.0, kw_only=True, validator=v.number(above=0))
    gather_timeout_s: float = attrs.field(default=15.0, kw_only=True, validator=v.number(above=0))

    async def start(self, fleet: WorkerFleet, pairing: PairingStrategy) -> Run:
        """Pair the fleet's workers and start measuring in the fleet's background.

        Args:
            fleet: An open fleet.
            pairing: Who measures with whom; several rounds run in turn.

        Raises:
            PairingError: The strategy yields no pair, or one that cannot be.
            MissingProgramError: A worker lacks the driver's program.
            StateError: The fleet is not open.
        """
        crew = fleet.crew
        plan = check_pairing(pairing.pair(crew.workers), crew.workers)
        self._require_driver(fleet, plan)
        run_id = f"run-{secrets.token_hex(4)}"
        metadata = RunMetadata(
            run_id=run_id,
            started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            command=tuple(sys.argv),
            netbench=__version__,
            python=platform.python_version(),
            platform=platform.platform(),
            backend=fleet.cluster.backend.facts.kind,
            backend_details=dict(fleet.cluster.backend.facts.details),
            workers={name: hello.host for name, hello in crew.hellos.items()},
            strategy=repr(pairing),
        )

        def make_result(
            pairs: Sequence[PairResult],
            failures: Sequence[PairFailure],
            stopped_early: bool,  # noqa: FBT001 - as Run calls it
            repeats: int,
        ) -> Result:
            return Result(
                spec=self._facts(),
                pairs=tuple(pairs),
                failures=tuple(failures),
                left_over=plan.left_over,
                rounds=len(plan.rounds) * repeats,
                repeats=repeats,
                stopped_early=stopped_early,
                metadata=metadata,
            )

        run = Run(crew, run_id, _Repetitions(self, plan, run_id, dict(crew.hellos)), make_result)
        fleet.start_soon(run.execute)
        return run

    async def run(self, fleet: WorkerFleet, pairing: PairingStrategy) -> Result:
        """Start and gather in one call; see :meth:`start` for the arguments and errors."""
        return await (await self.start(fleet, pairing)).gather()

    def _facts(self) -> MeasurementFacts:
        return MeasurementFacts(
            traffic=self.traffic,
            driver=self.driver,
            duration_s=self.duration_s,
            warmup_s=self.warmup_s,
            interval_s=self.interval_s,
            seed=self.seed,
            port=self.port,
            until=self.until,
        )

    def round_plan(
        self, run_id: str, index: int, pairs: Sequence[Pair], hellos: Mapping[str, WorkerHello]
    ) -> RoundPlan:
        """Give what one round is to do. For the run, not for users."""
        return RoundPlan(
            run_id=run_id,
            index=index,
            requests={pair: self._request(run_id, index, pair, hellos) for pair in pairs},
            arm_timeout_s=self.arm_timeout_s,
            traffic_s=self.warmup_s + self.duration_s,
            tail_s=self.traffic.tail_s,
            gather_timeout_s=self.gather_timeout_s,
        )

    def _request(self, run_id: str, index: int, pair: Pair, hellos: Mapping[str, WorkerHello]) -> PairRequest:
        return PairRequest(
            run_id=run_id,
            round_index=index,
            pair_id=f"{index}.{pair.client.name}.{pair.server.name}",
            client=pair.client.name,
            server=pair.server.name,
            server_host=pair.server.address,
            server_peer_port=hellos[pair.server.name].peer_port,
            traffic=self.traffic,
            driver=self.driver,
            duration_s=self.duration_s,
            warmup_s=self.warmup_s,
            interval_s=self.interval_s,
            data_port=self.port,
            seed=self.seed,
            arm_timeout_s=self.arm_timeout_s,
            gather_timeout_s=self.gather_timeout_s,
        )

    def _require_driver(self, fleet: WorkerFleet, plan: Pairing) -> None:
        """Refuse before anything is started what some worker could not do."""
        needed = {worker for pairs in plan.rounds for pair in pairs for worker in (pair.client, pair.server)}
        lacking = [
            f"{worker.name} ({worker.node})"
            for worker in fleet.crew.workers
            if worker in needed and self.driver not in fleet.crew.hellos[worker.name].drivers
        ]
        if lacking:
            program, package = _PROGRAMS[self.driver]
            raise MissingProgramError(program, package, ", ".join(lacking))


@attrs.frozen
class _Repetitions:
    """Implements :class:`netbench.run.Repetitions`."""

    measurement: Measurement
    pairing: Pairing
    run_id: str
    hellos: Mapping[str, WorkerHello]

    def plan(self, repeat: int) -> list[RoundPlan]:
        first = repeat * len(self.pairing.rounds)
        return [
            self.measurement.round_plan(self.run_id, first + index, pairs, self.hellos)
            for index, pairs in enumerate(self.pairing.rounds)
        ]

    def more(self, result: Result) -> bool:
        until = self.measurement.until
        if not result.complete:
            return False
        if until is None:
            return result.repeats < self.measurement.repeats
        if not until.repeats_min <= result.repeats < until.repeats_max:
            return result.repeats < until.repeats_min
        interval = result.interval
        return interval is None or interval.relative is None or interval.relative > until.relative

    def rounds_at_least(self, index: int) -> int:
        until = self.measurement.until
        repeats = self.measurement.repeats if until is None else until.repeats_min
        each = len(self.pairing.rounds)
        return max(repeats * each, (index // each + 1) * each)
