"""A result as a pandas data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netbench.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

    from netbench.histogram import Histogram
    from netbench.result.failure import PairFailure
    from netbench.result.model import Result
    from netbench.result.pair import PairResult
    from netbench.topology import Pair

__all__ = ("to_dataframe",)

_PERCENTS = (5.0, 50.0, 95.0, 99.0, 99.9)


def to_dataframe(result: Result) -> pd.DataFrame:
    """Give one row a pair, in base units, units in the names.

    Columns that do not apply to the traffic are left out; what was not measured is missing (NaN). Failed pairs come
    last, with ``failure_reason``, ``failure_phase`` and ``failure_message``. ``verdict`` is the whole result's.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        package = "pandas"
        raise MissingExtraError(package, package) from error
    rows = [*map(_of_pair, result.pairs), *map(_of_failure, result.failures)]
    word = result.verdict.word
    rows = [{**row, "verdict": word} for row in rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    filled = [name for name in names if any(row.get(name) is not None for row in rows)]
    return pd.DataFrame(rows, columns=filled)


def _names(round_index: int, pair: Pair) -> dict[str, Any]:
    return {
        "round": round_index,
        "client": pair.client.name,
        "client_node": pair.client.node,
        "client_zone": pair.client.zone,
        "server": pair.server.name,
        "server_node": pair.server.node,
        "server_zone": pair.server.zone,
    }


def _of_failure(failed: PairFailure) -> dict[str, Any]:
    return {
        **_names(failed.round_index, failed.pair),
        "failure_reason": failed.failure.reason,
        "failure_phase": failed.failure.phase.value,
        "failure_message": failed.failure.message,
    }


def _of_pair(pair: PairResult) -> dict[str, Any]:
    return {
        **_names(pair.round_index, pair.pair),
        "window_s": pair.window_s,
        "start_lateness_s": pair.start_lateness_s,
        "clock_offset_s": pair.clock_offset_s,
        "clock_bound_s": pair.clock_bound_s,
        "client_cpu_s": pair.client_cpu.seconds,
        "client_cpu_cores": pair.client_cpu.cores,
        "server_cpu_s": pair.server_cpu.seconds,
        "server_cpu_cores": pair.server_cpu.cores,
        "throughput_bps": pair.throughput_bps,
        "forward_throughput_bps": pair.forward_throughput_bps,
        "reverse_throughput_bps": pair.reverse_throughput_bps,
        "sent_bytes": pair.sent_bytes,
        "received_bytes": pair.received_bytes,
        **_figures("bandwidth_bps", pair.receiver_bandwidth),
        **_of_tcp(pair),
        **_of_udp(pair),
        **_of_http(pair),
        **_figures("send_lateness_s", pair.send_lateness),
    }


def _of_tcp(pair: PairResult) -> dict[str, Any]:
    return {
        "retransmits": pair.retransmits,
        **_figures("rtt_s", pair.rtt),
        **_figures("congestion_window_bytes", pair.congestion_window),
    }


def _of_udp(pair: PairResult) -> dict[str, Any]:
    return {
        "sent": pair.sent,
        "received": pair.received,
        "lost": pair.lost,
        "loss_ratio": pair.loss_ratio,
        "duplicated": pair.duplicated,
        "reordered": pair.reordered,
        "socket_drops": pair.socket_drops,
        "jitter_s": pair.jitter_s,
        "asked_pps": pair.asked_pps,
        "sent_pps": pair.sent_pps,
        "received_pps": pair.received_pps,
        **_figures("one_way_delay_s", pair.one_way_delay),
    }


def _of_http(pair: PairResult) -> dict[str, Any]:
    errors, codes = pair.errors, pair.status_codes
    return {
        "requests": pair.requests,
        "responses": pair.responses,
        "asked_rps": pair.asked_rps,
        "requests_per_s": pair.requests_per_s,
        "errors": None if errors is None else sum(errors.values()),
        **{f"errors_{kind}": amount for kind, amount in sorted((errors or {}).items())},
        **{f"status_{code}": amount for code, amount in sorted((codes or {}).items())},
        **_figures("response_time_s", pair.response_time),
        **_figures("service_time_s", pair.service_time),
    }


def _figures(name: str, histogram: Histogram | None) -> dict[str, float]:
    if histogram is None:
        return {}
    percentiles = {f"{name}_p{percent:g}": value for percent, value in histogram.percentiles(_PERCENTS).items()}
    return {f"{name}_mean": histogram.mean, **percentiles, f"{name}_max": histogram.maximum}
