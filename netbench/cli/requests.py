"""From the command line's words to the public API's values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.cli.parser import LOCAL_OPTIONS, POD_OPTIONS, TRAFFIC_OPTIONS
from netbench.cluster import Cluster
from netbench.errors import UsageError
from netbench.fleet import WorkerFleet
from netbench.measurement import Measurement
from netbench.pairing import (
    CrossNode,
    CrossZone,
    ManyToOne,
    NodeMatrix,
    OneToMany,
    PairingStrategy,
    RandomPairs,
    SameNode,
)
from netbench.result import Precision
from netbench.search import MaxLatency, MaxLoss, Search
from netbench.traffic import Http, Tcp, Traffic, Udp

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

__all__ = ("cluster_from", "fleet_from", "is_kubernetes", "measurement_from", "search_from", "strategy_from")

_NODES = 2


def measurement_from(arguments: argparse.Namespace) -> Measurement:
    """Make the measurement.

    Raises:
        UsageError: A value is wrong, or an option belongs to another protocol.
    """
    given = {} if arguments.interval is None else {"interval_s": arguments.interval}
    return Measurement(
        _traffic_from(arguments),
        duration_s=arguments.duration,
        warmup_s=arguments.warmup,
        driver=arguments.driver,
        port=arguments.port,
        seed=arguments.seed,
        repeats=arguments.repeats,
        until=None if arguments.precision is None else Precision(relative=arguments.precision),
        **given,
    )


def search_from(arguments: argparse.Namespace) -> Search:
    """Make the search.

    Raises:
        UsageError: A value is wrong, or an option belongs to another protocol.
    """
    for name in ("rate_bps", "rate_pps", "rate_rps", "unlimited"):
        if getattr(arguments, name) is not None:
            option = "--rate" if name == "rate_bps" else f"--{name.replace('_', '-')}"
            msg = f"{option} goes without search, which finds the rate: give --rate-max"
            raise UsageError(msg)
    traffic = _traffic_from(arguments)
    if isinstance(traffic, Tcp):
        msg = "search goes with --protocol http or udp"
        raise UsageError(msg)
    latency_s, percentile = arguments.max_latency, arguments.percentile
    return Search(
        traffic,
        bound=MaxLoss(arguments.max_loss) if latency_s is None else MaxLatency(latency_s, percentile),
        rate_max=arguments.rate_max,
        rate_min=arguments.rate_min,
        resolution=arguments.resolution,
        duration_s=arguments.duration,
        warmup_s=arguments.warmup,
        retries=arguments.retries,
        trials_max=arguments.trials_max,
    )


def _traffic_from(arguments: argparse.Namespace) -> Traffic:
    given = {name: value for name in TRAFFIC_OPTIONS if (value := getattr(arguments, name)) is not None}
    for name in given:
        if arguments.protocol not in TRAFFIC_OPTIONS[name]:
            option = "--" + name.removesuffix("_bytes" if name == "payload_bytes" else "_s").replace("_", "-")
            protocols = " or ".join(sorted(TRAFFIC_OPTIONS[name]))
            msg = f"{option} goes with --protocol {protocols}, not with {arguments.protocol}"
            raise UsageError(msg)
    kinds: dict[str, type[Tcp | Udp | Http]] = {"tcp": Tcp, "udp": Udp, "http": Http}
    return kinds[arguments.protocol](**given)


def strategy_from(arguments: argparse.Namespace) -> PairingStrategy:
    """Make the pairing strategy."""
    if arguments.pairing == "random":
        return RandomPairs(seed=arguments.seed)
    strategies: dict[str, type[PairingStrategy]] = {
        "cross-node": CrossNode,
        "same-node": SameNode,
        "cross-zone": CrossZone,
        "many-to-one": ManyToOne,
        "one-to-many": OneToMany,
        "node-matrix": NodeMatrix,
    }
    return strategies[arguments.pairing]()


def fleet_from(
    arguments: argparse.Namespace, cluster: Cluster, progress: Callable[[int, int], None] | None
) -> WorkerFleet:
    """Make the fleet that the pairs need, not open yet."""
    if not is_kubernetes(arguments):
        return WorkerFleet(cluster, workers=_worker_count(arguments))
    resources = {name: value for name in ("cpu", "memory") if (value := getattr(arguments, name)) is not None}
    selector = dict(_label(text) for text in arguments.node_selector or ())
    matrix = arguments.pairing == "node-matrix" and arguments.workers is None
    return WorkerFleet(
        cluster,
        workers=None if matrix else _worker_count(arguments),
        per_node=1 if matrix else None,
        ready_timeout_s=arguments.ready_timeout,
        image=arguments.image,
        image_pull_policy=arguments.image_pull_policy,
        image_pull_secrets=arguments.image_pull_secrets,
        resources=resources or None,
        node_selector=selector or None,
        host_network=arguments.host_network,
        progress=progress,
    )


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        msg = f"--node-selector must be LABEL=VALUE, not {text!r}"
        raise UsageError(msg)
    return name, value


def _worker_count(arguments: argparse.Namespace) -> int:
    """Give how many workers the pairs need."""
    if arguments.workers is not None:
        return int(arguments.workers)
    if arguments.pairing == "node-matrix":
        return int(arguments.nodes or _NODES)
    pairs = 1 if arguments.pairs is None else int(arguments.pairs)
    if pairs < 1:
        msg = f"--pairs must be at least 1, not {pairs}"
        raise UsageError(msg)
    return pairs + 1 if arguments.pairing in {"many-to-one", "one-to-many"} else 2 * pairs


def cluster_from(arguments: argparse.Namespace) -> Cluster:
    """Make the cluster, not open yet."""
    if is_kubernetes(arguments):
        _refuse(arguments, LOCAL_OPTIONS, "this machine", "a Kubernetes cluster")
        return Cluster.connect(
            kubeconfig=arguments.kubeconfig, context=arguments.context, namespace=arguments.namespace
        )
    _refuse(arguments, POD_OPTIONS, "a Kubernetes cluster (--context, --kubernetes)", "this machine")
    zones = None
    if arguments.zones is not None:
        if arguments.zones < 1:
            msg = f"--zones must be at least 1, not {arguments.zones}"
            raise UsageError(msg)
        zones = [f"zone-{index + 1}" for index in range(arguments.zones)]
    return Cluster.local(
        nodes=_NODES if arguments.nodes is None else arguments.nodes,
        zones=zones,
        isolation=arguments.isolation or "auto",
        link_rate_bps=arguments.link_rate,
        mtu=arguments.mtu,
    )


def is_kubernetes(arguments: argparse.Namespace) -> bool:
    """Whether a Kubernetes cluster is meant."""
    return bool(arguments.kubernetes or arguments.context or arguments.kubeconfig or arguments.namespace)


def _refuse(arguments: argparse.Namespace, names: Sequence[str], home: str, here: str) -> None:
    for name in names:
        if getattr(arguments, name) is not None:
            option = "--pull-secret" if name == "image_pull_secrets" else f"--{name.replace('_', '-')}"
            msg = f"{option} goes with {home}, not with {here}"
            raise UsageError(msg)
