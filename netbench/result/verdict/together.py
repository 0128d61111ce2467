"""Did all pairs measure, together, by clocks that are good enough?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.result.rounds import overlap_ratio
from netbench.result.verdict.judgement import Doubt, Finding, doubt_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netbench.result.model import Result

__all__ = ("together_doubts",)

#: Of its window: later than this, and a pair missed part of what the others did.
_LATE = 0.01
#: Share of the longest window that all pairs have in common.
_OVERLAP = 0.95
#: Of the median delay: with a larger bound of the clocks' offset (RFC 5905) its second digit is not known.
_BOUND = 0.5


def together_doubts(result: Result) -> Iterator[Doubt]:
    """Look at completeness, starts, windows and clocks."""
    yield from _incomplete(result)
    yield from _late(result)
    yield from _apart(result)
    yield from _clocks(result)
    yield from _precision(result)


def _precision(result: Result) -> Iterator[Doubt]:
    wanted, interval = result.spec.until, result.interval
    if wanted is None or not result.complete:
        return
    reached = None if interval is None else interval.relative
    if reached is None or reached > wanted.relative:
        known = "not known" if reached is None else f"known to {reached:.1%}"
        evidence = f"after {result.repeats} repetitions the mean is {known}, where {wanted.relative:.1%} was asked for"
        advice = "Measure longer each time, raise repeats_max, or find what changes between repetitions"
        yield Doubt(
            rule="imprecise",
            where=(),
            evidence=evidence,
            advice=advice,
            value=reached or 0.0,
            threshold=wanted.relative,
        )


def _incomplete(result: Result) -> Iterator[Doubt]:
    planned = len(result.pairs) + len(result.failures)
    if result.failures or not planned:
        missing = len(result.failures)
        evidence = f"{missing} of {planned} pairs have no result" if planned else "there is no pair"
        where = tuple(str(failure.pair) for failure in result.failures)
        advice = "What is missing would have been slow, or absent: see the failures, and measure again"
        yield Doubt(rule="incomplete", where=where, evidence=evidence, advice=advice, value=missing, threshold=0)
    if result.stopped_early:
        evidence = "the run was stopped before its time"
        advice = "Let it run to its end"
        yield Doubt(rule="stopped", where=(), evidence=evidence, advice=advice, value=1, threshold=0)


def _late(result: Result) -> Iterator[Doubt]:
    late = [
        Finding(
            str(pair.pair),
            pair.start_lateness_s / window_s,
            f"it started {pair.start_lateness_s * 1e3:.3g} ms late, of {window_s:.3g} s",
        )
        for pair in result.pairs
        if (window_s := pair.window_s) is not None and pair.start_lateness_s >= _LATE * window_s
    ]
    advice = "Its node was busy, or heard of the start late: use a quieter node, or a longer duration_s"
    yield from doubt_of("late-start", late, _LATE, advice)


def _apart(result: Result) -> Iterator[Doubt]:
    found = [
        Finding(f"round {index + 1}", overlap, f"all its pairs were sending in only {overlap:.1%} of the time")
        for index in range(result.rounds)
        if (overlap := overlap_ratio(result.pairs_of_round(index))) is not None and overlap < _OVERLAP
    ]
    advice = "The total is of that time alone, each pair's figures of its own window: use a longer duration_s"
    yield from doubt_of("overlap", found, _OVERLAP, advice, low=True)


def _clocks(result: Result) -> Iterator[Doubt]:
    found = []
    for pair in result.pairs:
        delay = pair.one_way_delay
        if delay is None:
            continue
        median_s = abs(delay.percentile(50))
        if pair.clock_bound_s > _BOUND * median_s:
            ratio = pair.clock_bound_s / median_s if median_s else float("inf")
            known = f"{delay.percentile(50) * 1e6:.3g} us is known to +-{pair.clock_bound_s * 1e6:.3g} us"
            words = f"its one-way delay of {known}"
            found.append(Finding(str(pair.pair), min(ratio, 1e9), words))
    advice = "Give the delay with its bound; jitter, loss and differences within a pair do not depend on the clocks"
    yield from doubt_of("clock-bound", found, _BOUND, advice)
