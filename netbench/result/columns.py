"""The columns of a result's table, by protocol."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from netbench.histogram import Histogram
    from netbench.result.model import Result
    from netbench.result.pair import PairResult
    from netbench.result.units import Kind

    Measured: TypeAlias = PairResult | Result

__all__ = ("Column", "Line", "columns_for", "common_prefix")

#: One line of a cell: a number in base units, words, or None for what nobody measured.
Line: TypeAlias = float | str | None


def _empty(_: Result) -> tuple[Line, ...]:
    return ("",)


@attrs.frozen(kw_only=True)
class Column:
    """One column.

    Attributes:
        name: Its head.
        kind: What its numbers are; None for a column of words.
        of_pair: Gives the lines of a pair's cell.
        of_all: Gives those of the row over all pairs; an empty line where that means nothing.
    """

    name: str
    kind: Kind | None
    of_pair: Callable[[PairResult], Sequence[Line]]
    of_all: Callable[[Result], Sequence[Line]] = _empty


#: A shorter one is left where it is.
_LONG_PREFIX = 12


def columns_for(result: Result) -> tuple[Column, ...]:
    """Choose the columns for what the result measured."""
    build = {"tcp": _tcp, "udp": _udp, "http": _http}[result.spec.traffic.protocol]
    which_round = Column(name="Round", kind="count", of_pair=lambda pair: (pair.round_index + 1,))
    return (*((which_round,) if result.rounds > 1 else ()), _names(result), *build(), *_every())


def _names(result: Result) -> Column:
    prefix = common_prefix(result)
    return Column(
        name="Pair",
        kind=None,
        of_pair=lambda pair: (
            f"{pair.pair.client.name.removeprefix(prefix)} on {pair.pair.client.node}",
            f"-> {pair.pair.server.name.removeprefix(prefix)} on {pair.pair.server.node}",
        ),
        of_all=lambda result: (f"all {len(result.pairs)} pairs",),
    )


def common_prefix(result: Result) -> str:
    """Give what the names of all workers begin with and no reader needs in every line, as with pods; or nothing."""
    names = sorted({worker.name for pair in result.pairs for worker in (pair.pair.client, pair.pair.server)})
    # In order, what the first and the last share all share.
    shared = takewhile(lambda both: both[0] == both[1], zip(names[0], names[-1], strict=False)) if names else ()
    text = "".join(letter for letter, _ in shared)
    prefix = text[: text.rfind("-") + 1]
    return prefix if len(prefix) >= _LONG_PREFIX else ""


def _tcp() -> tuple[Column, ...]:
    return (
        Column(
            name="Throughput",
            kind="bit/s",
            of_pair=lambda pair: (pair.throughput_bps, *_directions(pair)),
            of_all=lambda result: (result.total_throughput_bps,),
        ),
        _percentile("p5", "bit/s", 5, lambda each: each.receiver_bandwidth),
        _percentile("p50", "bit/s", 50, lambda each: each.receiver_bandwidth),
        _same("Retransmits", "count", lambda each: each.retransmits),
        _percentile("RTT p50", "s", 50, lambda each: each.rtt),
        _percentile("p99", "s", 99, lambda each: each.rtt),
    )


def _udp() -> tuple[Column, ...]:
    return (
        Column(
            name="Received of asked",
            kind="per_s",
            of_pair=lambda pair: (pair.received_pps, pair.asked_pps if pair.asked_pps is not None else "unlimited"),
            of_all=lambda result: (result.total_pps,),
        ),
        _same("Sent", "count", lambda each: each.sent),
        Column(
            name="Lost",
            kind="share",
            of_pair=lambda pair: (pair.loss_ratio, _whole(pair.lost)),
            of_all=lambda result: (result.loss_ratio, _whole(result.lost)),
        ),
        _same("Twice", "count", lambda each: each.duplicated),
        _same("Re- ordered", "count", lambda each: each.reordered),
        Column(name="Jitter", kind="s", of_pair=lambda pair: (pair.jitter_s,)),
        _percentile("Delay p50", "s", 50, lambda each: each.one_way_delay),
        _percentile("p99", "s", 99, lambda each: each.one_way_delay),
        Column(
            name="within +-",
            kind="s",
            of_pair=lambda pair: (None if pair.one_way_delay is None else pair.clock_bound_s,),
        ),
    )


def _http() -> tuple[Column, ...]:
    return (
        Column(
            name="Answered of asked",
            kind="per_s",
            of_pair=lambda pair: (pair.requests_per_s, pair.asked_rps if pair.asked_rps is not None else "all it can"),
            of_all=lambda result: (result.total_requests_per_s,),
        ),
        _percentile("Response p50", "s", 50, lambda each: each.response_time),
        _percentile("p99", "s", 99, lambda each: each.response_time),
        _percentile("p99.9", "s", 99.9, lambda each: each.response_time),
        _percentile("Service p50", "s", 50, lambda each: each.service_time),
        Column(
            name="Status",
            kind=None,
            of_pair=lambda pair: _counted(pair.status_codes),
            of_all=lambda result: _counted(result.status_codes),
        ),
        Column(
            name="Errors",
            kind=None,
            of_pair=lambda pair: _counted(pair.errors),
            of_all=lambda result: _counted(result.errors),
        ),
    )


def _every() -> tuple[Column, ...]:
    return (
        Column(name="Start late", kind="s", of_pair=lambda pair: (pair.start_lateness_s,)),
        Column(name="CPU", kind="cores", of_pair=lambda pair: (pair.client_cpu.cores, pair.server_cpu.cores)),
    )


def _percentile(name: str, kind: Kind, percent: float, histogram: Callable[[Measured], Histogram | None]) -> Column:
    def lines(each: Measured) -> tuple[Line, ...]:
        found = histogram(each)
        return (None if found is None else found.percentile(percent),)

    return Column(name=name, kind=kind, of_pair=lines, of_all=lines)


def _same(name: str, kind: Kind, figure: Callable[[Measured], float | None]) -> Column:
    """Show what pair and result call by one name."""

    def lines(each: Measured) -> tuple[Line, ...]:
        return (figure(each),)

    return Column(name=name, kind=kind, of_pair=lines, of_all=lines)


def _directions(pair: PairResult) -> tuple[Line, ...]:
    """Tell both directions apart where both were used."""
    ways = (pair.forward_throughput_bps, pair.reverse_throughput_bps)
    return ways if all(way is not None for way in ways) else ()


def _whole(count: int | None) -> Line:
    return None if count is None else f"{count:,}"


def _counted(counts: Mapping[str, int] | None) -> tuple[Line, ...]:
    if counts is None:
        return (None,)
    return tuple(f"{key}: {amount:,}" for key, amount in sorted(counts.items())) or ("none",)
