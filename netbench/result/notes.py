"""The sentences of a result: totals, what to know before trusting the numbers, and what makes them mean something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.result.columns import common_prefix
from netbench.result.units import quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netbench.result.model import Result
    from netbench.result.pair import PairResult

__all__ = ("footer_of", "notes_of", "title_of", "totals_of")

#: From this share of one processor on, a worker may be what limits the traffic.
_BUSY_CORES = 0.95
#: Less than this share of the asked rate is worth a word.
_ENOUGH_OF_ASKED = 0.99
#: Pairs whose window is this much together send at the same time for all that matters.
_TOGETHER = 0.99
#: From this share of the scheduler's periods on, a CPU limit shapes what is measured.
_THROTTLED = 0.05


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
    return tuple(totals)


def notes_of(result: Result) -> tuple[str, ...]:
    """Say what the reader should know before trusting the numbers."""
    made = (
        "the run was stopped before its time" if result.stopped_early else None,
        _apart(result),
        _throttled(result),
        _busy(result),
        _slow_sender(result),
        _dropped(result),
        _refused(result),
        _strangers(result),
    )
    return tuple(note for note in made if note is not None)


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
    clocks = f"; clocks compared to {quantity('s', max(bounds))}" if bounds else ""
    prefix = common_prefix(result)
    return (
        f"netbench {data.netbench}, run {data.run_id}, started {data.started_at}",
        f"{data.strategy}; warm-up {spec.warmup_s:g} s, intervals of {spec.interval_s:g} s, seed {spec.seed}{clocks}",
        f"{data.backend}: {details}" if details else data.backend,
        (f"workers {prefix}...: " if prefix else "workers: ") + ", ".join(each for each in hosts if each),
    )


def _tools(result: Result) -> str:
    return " and ".join(result.tools) or result.spec.driver


def _distinct(words: Iterable[str]) -> str:
    return " or ".join(sorted(set(words)))


def _apart(result: Result) -> str | None:
    overlap = result.window_overlap
    if overlap is None or overlap >= _TOGETHER:
        return None
    return f"all pairs of a round were sending during only {overlap:.1%} of the time that they were measured"


def _busy(result: Result) -> str | None:
    def is_busy(pair: PairResult) -> bool:
        return any((cpu.cores or 0) >= _BUSY_CORES for cpu in (pair.client_cpu, pair.server_cpu))

    busy = sum(1 for pair in result.pairs if is_busy(pair))
    if not busy:
        return None
    return (
        f"{busy} of {len(result.pairs)} pairs kept a processor busy all the time: the machine may have been the limit, "
        "not the network"
    )


def _throttled(result: Result) -> str | None:
    """A starved sender is not a slow network."""
    sides = [
        (name, cpu)
        for pair in result.pairs
        for name, cpu in ((pair.pair.client.name, pair.client_cpu), (pair.pair.server.name, pair.server_cpu))
        if (cpu.throttled_share or 0) >= _THROTTLED
    ]
    if not sides:
        return None
    worst, cpu = max(sides, key=lambda side: side[1].throttled_share or 0)
    workers = len({name for name, _ in sides})
    return (
        f"{workers} workers were throttled by their CPU limit, {worst} in {cpu.throttled_share:.0%} of the scheduler's "
        f"periods, for {cpu.throttled_s:.3g} s: the limit was measured, not the network"
    )


def _strangers(result: Result) -> str | None:
    count = sum(pair.strangers for pair in result.pairs)
    return f"{count:,} connections that are none of this fleet's were refused meanwhile" if count else None


def _slow_sender(result: Result) -> str | None:
    slow = [
        pair
        for pair in result.pairs
        if pair.asked_pps and pair.sent_pps is not None and pair.sent_pps < _ENOUGH_OF_ASKED * pair.asked_pps
    ]
    if not slow:
        return None
    return f"{len(slow)} of {len(result.pairs)} senders could not keep up with the rate that was asked for"


def _dropped(result: Result) -> str | None:
    drops = sum(pair.socket_drops or 0 for pair in result.pairs)
    if not drops:
        return None
    return f"{drops:,} datagrams were dropped at full socket buffers of their receivers, not by the network"


def _refused(result: Result) -> str | None:
    refused = sum(pair.send_errors or 0 for pair in result.pairs)
    return (
        f"{refused:,} sends were refused by the senders' own kernels; these are not counted as sent"
        if refused
        else None
    )
