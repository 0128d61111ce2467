"""Was what was asked for really offered?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.result.units import quantity
from netbench.result.verdict.judgement import Doubt, Finding, doubt_of
from netbench.result.verdict.sides import asked_and_got
from netbench.traffic import Http, Tcp, Udp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netbench.result.model import Result
    from netbench.result.pair import PairResult

__all__ = ("schedule_doubts",)

#: Of the asked rate; a paced native sender keeps 99.99 % (see the benchmarks).
_KEPT = 0.99
#: An open loop's requests that leave late by more than this share of the response time measure the client
#: (coordinated omission, Tene); datagrams that leave late by more than their gap leave together.
_LATE, _LATE_GAPS, _LATE_S = 0.5, 1.0, 1e-3
#: Of fewer one in a hundred is none.
_LATE_COUNT = 100
#: Share of the datagrams that the sender's kernel refused.
_REFUSED = 1e-3


def schedule_doubts(result: Result) -> Iterator[Doubt]:
    """Look at rates that were not kept, requests that left late, and sends that were refused."""
    yield from _rates(result)
    yield from _late_requests(result)
    yield from _late_datagrams(result)
    yield from _refused(result)


def _rates(result: Result) -> Iterator[Doubt]:
    found = []
    for pair in result.pairs:
        rates = _rates_not_kept(result, pair)
        if rates is not None:
            asked, got = rates
            words = f"{_amounts(result, asked, got)} that were asked for ({got / asked:.1%})"
            found.append(Finding(str(pair.pair), got / asked, words))
    advice = "Ask for a rate that it can keep, or read the result as the most it could do"
    yield from doubt_of("rate-not-kept", found, _KEPT, advice, low=True)


def _rates_not_kept(result: Result, pair: PairResult) -> tuple[float, float] | None:
    """Give the rate that was asked of a pair and the one that it offered, where that is too low."""
    rates = asked_and_got(result, pair)
    if rates is None or not pair.window_s:
        return None
    asked, got = rates
    # A window has room for a whole number of datagrams or requests.
    room = 0.0 if isinstance(result.spec.traffic, Tcp) else 1 / pair.window_s
    return rates if got + room < _KEPT * asked else None


def _amounts(result: Result, asked: float, got: float) -> str:
    match result.spec.traffic:
        case Tcp():
            return f"{quantity('bit/s', got)} received of the {quantity('bit/s', asked)}"
        case Udp():
            return f"{got:,.6g} datagrams sent each second of the {asked:,.6g}"
        case Http():
            return f"{got:,.6g} requests answered each second of the {asked:,.6g}"


def _late_requests(result: Result) -> Iterator[Doubt]:
    found = []
    for pair in result.pairs:
        late, response = pair.send_lateness, pair.response_time
        if late is None or response is None or pair.asked_rps is None:
            continue
        late_s, response_s = late.percentile(99), response.percentile(99)
        if late_s > _LATE_S and late_s > _LATE * response_s:
            words = f"1 % of its requests left {late_s * 1e3:.3g} ms late or more, of {response_s * 1e3:.3g} ms in all"
            found.append(Finding(str(pair.pair), late_s / response_s, words))
    advice = "The client was busy, or its connections were: use more connections, a lower rate_rps, or a quieter node"
    yield from doubt_of("send-lateness", found, _LATE, advice)


def _late_datagrams(result: Result) -> Iterator[Doubt]:
    found = []
    for pair in result.pairs:
        late, asked_pps = pair.send_lateness, pair.asked_pps
        # Who cannot keep the rate at all is later and later, which is said of the rate.
        if late is None or asked_pps is None or late.count < _LATE_COUNT or _rates_not_kept(result, pair):
            continue
        late_s = late.percentile(99)
        if late_s > _LATE_S and late_s * asked_pps > _LATE_GAPS:
            gap_ms = 1e3 / asked_pps
            words = f"1 % of its datagrams left {late_s * 1e3:.3g} ms late or more, of {gap_ms:.3g} ms between two"
            found.append(Finding(str(pair.pair), late_s * asked_pps, words))
    advice = "They left in bursts, which a network may drop and delay more of: use a lower rate, or a quieter node"
    yield from doubt_of("send-lateness", found, _LATE_GAPS, advice)


def _refused(result: Result) -> Iterator[Doubt]:
    found = []
    for pair in result.pairs:
        refused, sent = pair.send_errors, pair.sent
        if refused and sent is not None and refused >= _REFUSED * (refused + sent):
            share = refused / (refused + sent)
            words = f"its kernel refused {refused:,} datagrams ({share:.1%}), which do not count as sent"
            found.append(Finding(str(pair.pair), share, words))
    yield from doubt_of(
        "send-refused",
        found,
        _REFUSED,
        "A packet filter or a full queue on the sender's host: see nft list ruleset, tc -s qdisc, or lower the rate",
    )
