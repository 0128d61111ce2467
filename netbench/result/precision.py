"""How well repetitions know a figure: confidence intervals, and how narrow one is to be."""

from __future__ import annotations

import math
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from netbench import validation as v
from netbench.traffic import Http, Tcp, Traffic, Udp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netbench.result.model import Result

__all__ = (
    "ConfidenceInterval",
    "Precision",
    "Statistic",
    "interval_of",
    "interval_over",
    "statistic_for",
    "student_t",
    "tells",
)

#: ``throughput`` in bit/s, ``pps``, ``requests`` per second: totals over all pairs. ``latency_p50`` and
#: ``latency_p99`` in seconds: of the traffic's own latency over all pairs.
Statistic: TypeAlias = Literal["throughput", "pps", "requests", "latency_p50", "latency_p99"]
_STATISTICS = ("throughput", "pps", "requests", "latency_p50", "latency_p99")
_REPEATS_MAX = 1000
_BISECTIONS = 60


def _not_below_least(instance: Precision, attribute: attrs.Attribute[Any], value: int) -> None:
    if value < instance.repeats_min:
        raise v.fail(instance, attribute.name, value, f"at least repeats_min, {instance.repeats_min}")


@attrs.frozen(kw_only=True)
class Precision:
    """When to stop repeating.

    Attributes:
        relative: The half width of the confidence interval as a share of the mean.
        confidence: How sure it is to hold the true mean.
        statistic: The figure; None takes the one that the traffic is about: throughput for TCP, requests or the 99th
            percentile of the response time for HTTP (closed or open loop), datagrams or the median delay for UDP
            (unlimited or paced; the iperf programs tell no delay, so theirs are datagrams).
        repeats_min: The least number of repetitions.
        repeats_max: The limit; a result that reaches it says so in its verdict.
    """

    relative: float = attrs.field(default=0.02, validator=v.number(above=0))
    confidence: float = attrs.field(default=0.95, validator=v.number(above=0, below=1))
    statistic: Statistic | None = attrs.field(default=None, validator=v.optional(v.one_of(*_STATISTICS)))
    repeats_min: int = attrs.field(default=3, validator=v.integer(at_least=2, at_most=_REPEATS_MAX))
    repeats_max: int = attrs.field(
        default=20, validator=[v.integer(at_least=2, at_most=_REPEATS_MAX), _not_below_least]
    )


@attrs.frozen(kw_only=True)
class ConfidenceInterval:
    """The mean of a figure over repetitions, and between what bounds it is known.

    Attributes:
        statistic: Which figure.
        values: One of each repetition, in base units.
        confidence: How sure the bounds are to hold the true mean.
        mean: The mean of the values.
        half_width: The bounds are this below and above it.
    """

    statistic: Statistic
    values: tuple[float, ...]
    confidence: float
    mean: float
    half_width: float

    @property
    def low(self) -> float:
        """The lower bound."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """The upper bound."""
        return self.mean + self.half_width

    @property
    def relative(self) -> float | None:
        """The half width as a share of the mean; None where that is 0."""
        return abs(self.half_width / self.mean) if self.mean else None


def statistic_for(traffic: Traffic, driver: str = "native") -> Statistic:
    """Give the figure that the traffic is about, of those that the driver tells."""
    match traffic:
        case Tcp():
            return "throughput"
        case Udp():
            return "pps" if traffic.asked_pps is None or driver != "native" else "latency_p50"
        case Http():
            return "requests" if traffic.rate_rps is None else "latency_p99"


def tells(statistic: Statistic, traffic: Traffic, driver: str) -> bool:
    """Whether a measurement has this figure."""
    match statistic:
        case "pps":
            return isinstance(traffic, Udp)
        case "requests":
            return isinstance(traffic, Http)
        case "latency_p50" | "latency_p99":
            return driver == "native" or not isinstance(traffic, Udp)
        case _:
            return True


def _statistic_of(result: Result, statistic: Statistic) -> float | None:
    """Read a figure of a result; None where it has none."""
    match statistic:
        case "throughput":
            return result.total_throughput_bps
        case "pps":
            return result.total_pps
        case "requests":
            return result.total_requests_per_s
        case _:
            measured = result.rtt or result.one_way_delay or result.response_time
            return None if measured is None else measured.percentile(50 if statistic == "latency_p50" else 99)


def interval_over(result: Result) -> ConfidenceInterval | None:
    """Give the interval of the figure that ``until`` names, or that the traffic is about, over a result's repetitions.

    Only of those that are whole: one that a pair failed in, or that was stopped, is no sample of the same thing. None
    for a single one, and where one of them lacks the figure.
    """
    wanted = result.spec.until or Precision()
    statistic = wanted.statistic or statistic_for(result.spec.traffic, result.spec.driver)
    whole = [each for each in map(result.repetition, range(result.repeats)) if each.complete]
    known = [value for each in whole if (value := _statistic_of(each, statistic)) is not None]
    return interval_of(known, statistic, wanted.confidence) if len(known) == len(whole) else None


def interval_of(values: Sequence[float], statistic: Statistic, confidence: float) -> ConfidenceInterval | None:
    """Give the confidence interval of the mean by Student's t; None for fewer than two values."""
    if len(values) < 2:  # noqa: PLR2004 - one value has no spread
        return None
    error = stdev(values) / math.sqrt(len(values))
    return ConfidenceInterval(
        statistic=statistic,
        values=tuple(values),
        confidence=confidence,
        mean=fmean(values),
        half_width=student_t(confidence, len(values) - 1) * error,
    )


def student_t(confidence: float, freedom: int) -> float:
    """Give what a variable of Student's t distribution stays below in magnitude, with this probability.

    The probability is a finite sum for whole degrees of freedom (Abramowitz and Stegun, 26.7.3 and 26.7.4); it is
    turned round by bisection.
    """
    low, high = 0.0, math.pi / 2
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < confidence else (low, middle)
    return math.tan(low) * math.sqrt(freedom)


def _within(angle: float, freedom: int) -> float:
    """Give the probability of a magnitude below ``tan(angle) * sqrt(freedom)``."""
    sine, square = math.sin(angle), math.cos(angle) ** 2
    odd = freedom % 2 == 1
    term = math.cos(angle) if odd else 1.0
    total = term if freedom > 1 or not odd else 0.0
    for step in range(3 if odd else 2, freedom - 1, 2):
        term *= square * (step - 1) / step
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total
