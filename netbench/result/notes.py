"""The sentences of a result: totals, the verdict, notes, and what makes the numbers mean something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.result.columns import common_prefix
from netbench.result.units import quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netbench.result.model import Result
    from netbench.result.precision import ConfidenceInterval
    from netbench.result.units import Kind

__all__ = ("footer_of", "notes_of", "title_of", "totals_of", "verdict_lines_of")


def title_of(result: Result) -> str:
    """Say what was measured, and whether it is complete."""
    planned = len(result.pairs) + len(result.failures)
    state = "complete" if result.complete else "INCOMPLETE"
    pairs = f"{planned} pair" if planned == 1 else f"{planned} pairs"
    spec = result.spec
    return f"{spec.traffic!r} for {spec.duration_s:g} s with {_tools(result)}: {pairs}, {state}"


def totals_of(result: Result) -> tuple[str, ...]:
    """Say what all pairs carried together, while all of them were sending."""
    totals: list[str] = []
    if result.total_throughput_bps is not None:
        rounds = sum(1 for each in result.round_throughputs_bps if each is not None)
        each = "" if rounds == 1 else f", mean of {rounds} rounds"
        together = f"{len(result.pairs)} pairs together" if len(result.pairs) > 1 else "1 pair"
        totals.append(f"{quantity('bit/s', result.total_throughput_bps)} payload, {together}{each}")
    elif result.pairs:
        totals.append("not known, since there was no time at which all pairs of a round were sending")
    if result.total_pps is not None:
        totals.append(f"{quantity('per_s', result.total_pps)} datagrams received")
    if result.total_requests_per_s is not None:
        totals.append(f"{quantity('per_s', result.total_requests_per_s)} requests answered")
    if result.interval is not None:
        totals.append(_interval_words(result.interval))
    return tuple(totals)


def verdict_lines_of(result: Result) -> tuple[str, ...]:
    """Say whether the numbers can be believed, and each reason why not."""
    verdict = result.verdict
    return (str(verdict), *(str(doubt) for doubt in verdict.doubts))


def notes_of(result: Result) -> tuple[str, ...]:
    """Say what the reader may want to know besides."""
    strangers = sum(pair.strangers for pair in result.pairs)
    return (f"{strangers:,} connections that are none of this fleet's were refused meanwhile",) if strangers else ()


def footer_of(result: Result) -> tuple[str, ...]:
    """Say where, when and with what it was measured."""
    data, spec = result.metadata, result.spec
    facts = data.workers.values()
    hosts = (
        _distinct(each.kernel for each in facts),
        _distinct(each.machine for each in facts),
        _distinct(f"{each.cpu_count} CPUs" for each in facts),
        _distinct(f"MTU {each.mtu}" for each in facts if each.mtu is not None),
        _distinct(each.congestion for each in facts if each.congestion is not None),
    )
    # Why it was so is in the JSON.
    details = ", ".join(f"{key} {value}" for key, value in data.backend_details.items() if not key.endswith("_reason"))
    bounds = [pair.clock_bound_s for pair in result.pairs]
    worst = max(bounds, default=None)
    clocks = "" if worst is None else f"; clocks compared to {quantity('s', worst)}" if worst else "; one clock for all"
    prefix = common_prefix(result)
    return (
        f"netbench {data.netbench}, run {data.run_id}, started {data.started_at}",
        f"{data.strategy}; warm-up {spec.warmup_s:g} s, intervals of {spec.interval_s:g} s, seed {spec.seed}{clocks}",
        f"{data.backend}: {details}" if details else data.backend,
        (f"workers {prefix}...: " if prefix else "workers: ") + ", ".join(each for each in hosts if each),
    )


def _interval_words(interval: ConfidenceInterval) -> str:
    kinds: dict[str, Kind] = {"throughput": "bit/s", "pps": "per_s", "requests": "per_s"}
    kind = kinds.get(interval.statistic, "s")
    mean, half = quantity(kind, interval.mean), quantity(kind, interval.half_width)
    share = "" if interval.relative is None else f" ({interval.relative:.1%})"
    name = interval.statistic.replace("_", " ")
    return f"{name} {mean} +- {half}{share}, {interval.confidence:.4g} confidence, {len(interval.values)} repetitions"


def _tools(result: Result) -> str:
    return " and ".join(result.tools) or result.spec.driver


def _distinct(words: Iterable[str]) -> str:
    return " or ".join(sorted(set(words)))
