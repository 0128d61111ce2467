"""Search for the highest rate at which a bound still holds (RFC 2544, section 26.1, by binary search)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import attrs

from netbench import validation as v
from netbench.errors import InvalidArgumentError
from netbench.measurement import Measurement
from netbench.traffic import Http, Udp

if TYPE_CHECKING:
    from collections.abc import Callable

    from netbench.fleet import WorkerFleet
    from netbench.pairing import PairingStrategy
    from netbench.result import Result

__all__ = ("Bound", "MaxLatency", "MaxLoss", "Search", "SearchResult", "Trial")

#: The native sender keeps 99.99 % of its rate; what falls below this is its limit, and no word about the network.
_OFFERED = 0.99
_TRIALS_MAX = 200

Limit: TypeAlias = Literal["bound", "sender", "rate_max", "incomplete"]


class Bound(Protocol):
    """What a rate must keep to be good, for users to implement."""

    def broken(self, result: Result) -> str | None:
        """Say what a result breaks, with numbers; None where it keeps the bound."""
        ...


@attrs.frozen
class MaxLoss:
    """Lost datagrams of UDP, or unanswered requests of HTTP, are at most this share of those sent.

    Attributes:
        share: From 0 to 1. RFC 2544 says 0; a host that does other things now and then loses one.
    """

    share: float = attrs.field(default=0.0, validator=v.number(at_least=0))

    def broken(self, result: Result) -> str | None:
        """Say which share was lost."""
        share = result.loss_ratio
        if share is None and result.requests:
            share = (result.requests - (result.responses or 0)) / result.requests
        if share is None:
            return "the loss is not known"
        return f"{share:.4%} lost, where {self.share:.4%} may be" if share > self.share else None


@attrs.frozen
class MaxLatency:
    """A percentile of the traffic's own latency is at most this.

    Attributes:
        latency_s: The most that it may be: UDP's one-way delay, HTTP's response time from the intended start.
        percentile: Which percentile.
    """

    latency_s: float = attrs.field(validator=v.number(above=0))
    percentile: float = attrs.field(default=99.0, validator=v.number(above=0))

    def broken(self, result: Result) -> str | None:
        """Say what the percentile is."""
        measured = result.one_way_delay or result.response_time
        if measured is None:
            return "the latency is not known"
        found_s = measured.percentile(self.percentile)
        if found_s <= self.latency_s:
            return None
        return f"p{self.percentile:g} is {found_s * 1e3:.4g} ms, where {self.latency_s * 1e3:.4g} ms may be"


@attrs.frozen(kw_only=True)
class Trial:
    """One rate that was tried.

    Attributes:
        rate: Datagrams or requests per second of each pair.
        result: What came out.
        passed: Whether the bound was kept at this rate.
        reason: Why not; empty where it was.
    """

    rate: float
    result: Result
    passed: bool
    reason: str = ""


@attrs.frozen(kw_only=True)
class SearchResult:
    """What a search found.

    Attributes:
        rate: The highest rate at which the bound was kept, per pair; None where it was kept at none.
        limited_by: What ended it: ``bound`` (the next rate broke it), ``sender`` (a worker could not send more, so the
            network may carry more), ``rate_max`` (the highest allowed rate is good), or ``incomplete`` (a pair failed).
        trials: Every trial, in the order in which they were made.
    """

    rate: float | None
    limited_by: Limit
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial | None:
        """The trial at :attr:`rate`."""
        return next((trial for trial in reversed(self.trials) if trial.passed and trial.rate == self.rate), None)

    def __str__(self) -> str:
        """Give the rate, what limited it, and every trial in a line."""
        found = "no rate keeps the bound" if self.rate is None else f"{self.rate:,.6g} each second and pair"
        lines = [f"{found}; limited by {self.limited_by}, {len(self.trials)} trials"]
        lines += [f"  {trial.rate:>14,.6g}  {'good' if trial.passed else trial.reason}" for trial in self.trials]
        return "\n".join(lines)


def _searchable(instance: Search, attribute: attrs.Attribute[Any], value: object) -> None:
    del instance, attribute
    if not isinstance(value, Udp | Http):
        raise InvalidArgumentError("Search(traffic)", value, "a Udp() or Http(), whose rate is searched for")


def _below_max(instance: Search, attribute: attrs.Attribute[Any], value: float) -> None:
    if value >= instance.rate_max:
        raise v.fail(instance, attribute.name, value, f"below rate_max, {instance.rate_max:g}")


def _ignore(trial: Trial) -> None:
    del trial


@attrs.frozen
class Search:
    """The highest rate, in datagrams or requests per second of each pair, at which a bound is kept.

    The highest allowed rate is tried first. Then the interval between the highest good and the lowest bad rate is
    halved until it is narrow enough. A short trial may pass because a queue on the way took what was too much. A trial
    in which the sender could not keep the rate is bad, and told apart from one that broke the bound.

    Attributes:
        traffic: :class:`Udp` or :class:`Http`; its own rate is not used.
        bound: What must be kept: :class:`MaxLoss`, :class:`MaxLatency`, or one of your own.
        rate_max: The highest rate to try.
        rate_min: Below this the search gives up.
        resolution: The interval at the end, as a share of the lowest bad rate.
        duration_s: Of each trial. RFC 2544 says 60 s for figures that are published.
        warmup_s: Traffic before each trial counts.
        trials_max: The limit of trials.

    Raises:
        InvalidArgumentError: An argument is wrong; the message names it.
    """

    traffic: Udp | Http = attrs.field(validator=_searchable)
    bound: Bound = attrs.field(kw_only=True)
    rate_max: float = attrs.field(kw_only=True, validator=v.number(above=0))
    rate_min: float = attrs.field(default=1.0, kw_only=True, validator=[v.number(above=0), _below_max])
    resolution: float = attrs.field(default=0.02, kw_only=True, validator=v.number(above=0))
    duration_s: float = attrs.field(default=10.0, kw_only=True, validator=v.number(above=0))
    warmup_s: float = attrs.field(default=0.0, kw_only=True, validator=v.number(at_least=0))
    trials_max: int = attrs.field(default=30, kw_only=True, validator=v.integer(at_least=1, at_most=_TRIALS_MAX))

    async def run(
        self, fleet: WorkerFleet, pairing: PairingStrategy, *, tried: Callable[[Trial], None] = _ignore
    ) -> SearchResult:
        """Search on an open fleet.

        Args:
            fleet: An open fleet.
            pairing: Who measures with whom.
            tried: Called with each trial when it is done.

        Raises:
            PairingError: The strategy yields no pair, or one that cannot be.
            StateError: The fleet is not open.
        """
        trials: list[Trial] = []
        good, bad, rate = 0.0, self.rate_max, self.rate_max
        limit: Limit = "bound"
        while len(trials) < self.trials_max:
            trial, limited_by = await self._try(fleet, pairing, rate)
            trials.append(trial)
            tried(trial)
            if limited_by == "incomplete":
                limit = "incomplete"
                break
            if trial.passed:
                good = rate
            else:
                bad, limit = rate, limited_by
            if good == self.rate_max:
                limit = "rate_max"
                break
            rate = (good + bad) / 2
            if bad - good <= self.resolution * bad or rate < self.rate_min:
                break
        return SearchResult(rate=good or None, limited_by=limit, trials=tuple(trials))

    async def _try(self, fleet: WorkerFleet, pairing: PairingStrategy, rate: float) -> tuple[Trial, Limit]:
        measurement = Measurement(self._at(rate), duration_s=self.duration_s, warmup_s=self.warmup_s)
        result = await measurement.run(fleet, pairing)
        if not result.complete:
            reason = "; ".join(str(failure) for failure in result.failures) or "it was stopped"
            return Trial(rate=rate, result=result, passed=False, reason=reason), "incomplete"
        broken = self.bound.broken(result)
        offered = min((_offered(pair.sent_pps, pair.asked_pps) for pair in result.pairs), default=1.0)
        if offered < _OFFERED:
            reason = f"the sender offered {offered:.1%} of it"
            return Trial(rate=rate, result=result, passed=False, reason=reason), "sender"
        return Trial(rate=rate, result=result, passed=broken is None, reason=broken or ""), "bound"

    def _at(self, rate: float) -> Udp | Http:
        if isinstance(self.traffic, Udp):
            return attrs.evolve(self.traffic, rate_pps=rate, rate_bps=None, unlimited=False)
        return attrs.evolve(self.traffic, rate_rps=rate)


def _offered(sent: float | None, asked: float | None) -> float:
    # HTTP's requests are all due on their schedule; what a client could not send shows in their response time.
    return 1.0 if sent is None or not asked else sent / asked
