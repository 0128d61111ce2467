"""The search itself: RFC 2544, section 26.1, by halving, with every loss confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from netbench import validation as v
from netbench.errors import InvalidArgumentError
from netbench.measurement import Measurement
from netbench.search.found import SearchResult, Trial
from netbench.traffic import Http, Udp

if TYPE_CHECKING:
    from collections.abc import Callable

    from netbench.fleet import WorkerFleet
    from netbench.pairing import PairingStrategy
    from netbench.result.pair import PairResult
    from netbench.run import Run
    from netbench.search.bounds import Bound
    from netbench.search.found import Limit

__all__ = ("Search",)

#: The native sender keeps 99.99 % of its rate; what falls below this is its limit, and no word about the network.
_OFFERED = 0.99
_TRIALS_MAX, _RETRIES_MAX = 200, 20


def _searchable(instance: Search, attribute: attrs.Attribute[Any], value: object) -> None:
    del instance, attribute
    if not isinstance(value, Udp | Http):
        raise InvalidArgumentError("Search(traffic)", value, "a Udp() or Http(), whose rate is searched for")


def _below_max(instance: Search, attribute: attrs.Attribute[Any], value: float) -> None:
    if value >= instance.rate_max:
        raise v.fail(instance, attribute.name, value, f"below rate_max, {instance.rate_max:g}")


def _bounded(instance: Search, attribute: attrs.Attribute[Any], value: object) -> None:
    if not callable(getattr(value, "broken", None)):
        raise v.fail(instance, attribute.name, value, "a MaxLoss(), a MaxLatency(), or something with broken(result)")


def _ignore(told: Trial | Run) -> None:
    del told


@attrs.frozen
class Search:
    """The highest rate, in datagrams or requests per second of each pair, at which a bound is kept.

    The highest allowed rate is tried first. Then the interval between the highest good and the lowest bad rate is
    halved until it is narrow enough. A short trial may pass because a queue on the way took what was too much. A trial
    in which the sender could not keep the rate is bad, and told apart from one that broke the bound.

    Halving believes each answer for ever: one datagram lost by chance far below the limit would hide all that is above
    it. So a rate is bad only when it fails again (ETSI GS NFV-TST 009, binary search with loss verification).

    Attributes:
        traffic: :class:`Udp` or :class:`Http`; its own rate is not used.
        bound: What must be kept: :class:`MaxLoss`, :class:`MaxLatency`, or one of your own.
        rate_max: The highest rate to try.
        rate_min: The lowest rate to try.
        resolution: The interval at the end, as a share of the lowest bad rate.
        duration_s: Of each trial. RFC 2544 says 60 s for figures that are published.
        warmup_s: Traffic before each trial counts.
        retries: How often a rate that was not good is tried again before it is taken for bad; 0 is RFC 2544 to the
            letter.
        trials_max: The limit of trials, those again included.

    Raises:
        InvalidArgumentError: An argument is wrong; the message names it.
    """

    traffic: Udp | Http = attrs.field(validator=_searchable)
    bound: Bound = attrs.field(kw_only=True, validator=_bounded)
    rate_max: float = attrs.field(kw_only=True, validator=v.number(above=0))
    rate_min: float = attrs.field(default=1.0, kw_only=True, validator=[v.number(above=0), _below_max])
    resolution: float = attrs.field(default=0.02, kw_only=True, validator=v.number(above=0, below=1))
    duration_s: float = attrs.field(default=10.0, kw_only=True, validator=v.number(above=0))
    warmup_s: float = attrs.field(default=0.0, kw_only=True, validator=v.number(at_least=0))
    retries: int = attrs.field(default=1, kw_only=True, validator=v.integer(at_least=0, at_most=_RETRIES_MAX))
    trials_max: int = attrs.field(default=30, kw_only=True, validator=v.integer(at_least=1, at_most=_TRIALS_MAX))

    async def run(
        self,
        fleet: WorkerFleet,
        pairing: PairingStrategy,
        *,
        tried: Callable[[Trial], None] = _ignore,
        started: Callable[[Run], None] = _ignore,
    ) -> SearchResult:
        """Search on an open fleet.

        Args:
            fleet: An open fleet.
            pairing: Who measures with whom.
            tried: Called with each trial when it is done.
            started: Called with each trial's run when it is started, to follow it; stopping it ends the search, which
                keeps what it has found until then.

        Raises:
            PairingError: The strategy yields no pair, or one that cannot be.
            StateError: The fleet is not open.
        """
        trials: list[Trial] = []
        good, bad, rate = 0.0, self.rate_max, self.rate_max
        limit: Limit = "bound"
        failed = 0
        while True:
            trial, limited_by = await self._try(fleet, pairing, rate, started)
            trials.append(trial)
            tried(trial)
            if not trial.result.complete:
                limit = limited_by
                break
            if trial.passed:
                good, failed = rate, 0
            else:
                failed += 1
            if failed > self.retries:
                bad, limit, failed = rate, limited_by, 0
            if good == self.rate_max:
                limit = "rate_max"
                break
            following = rate if failed else max((good + bad) / 2, self.rate_min)
            if not failed and (bad <= self.rate_min or bad - good <= self.resolution * bad):
                break
            if len(trials) == self.trials_max:
                limit = "trials_max"
                break
            rate = following
        return SearchResult(rate=good or None, limited_by=limit, trials=tuple(trials))

    async def _try(
        self, fleet: WorkerFleet, pairing: PairingStrategy, rate: float, started: Callable[[Run], None]
    ) -> tuple[Trial, Limit]:
        measurement = Measurement(self._at(rate), duration_s=self.duration_s, warmup_s=self.warmup_s)
        run = await measurement.start(fleet, pairing)
        started(run)
        result = await run.gather()
        if not result.complete:
            reason = "; ".join(str(failure) for failure in result.failures) or "it was stopped"
            limit: Limit = "stopped" if result.stopped_early else "incomplete"
            return Trial(rate=rate, result=result, passed=False, reason=reason), limit
        broken = self.bound.broken(result)
        offered = min(map(_offered, result.pairs), default=1.0)
        if offered < _OFFERED:
            reason = f"the sender offered {offered:.1%} of it"
            return Trial(rate=rate, result=result, passed=False, reason=reason), "sender"
        return Trial(rate=rate, result=result, passed=broken is None, reason=broken or ""), "bound"

    def _at(self, rate: float) -> Udp | Http:
        if isinstance(self.traffic, Udp):
            return attrs.evolve(self.traffic, rate_pps=rate, rate_bps=None, unlimited=False)
        return attrs.evolve(self.traffic, rate_rps=rate)


def _offered(pair: PairResult) -> float:
    """Give the share of the asked rate that left in time: of few datagrams one more or less is no matter."""
    left, asked, window_s = pair.left_ratio, pair.asked_pps, pair.window_s
    if left is not None:
        return left
    if pair.sent is None or not asked or not window_s:
        return 1.0
    return (pair.sent + 1) / (asked * window_s)
