"""From the command line's words to the public API's values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.cli.parser import TRAFFIC_OPTIONS
from netbench.cluster import Cluster
from netbench.errors import UsageError
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
from netbench.traffic import Http, Tcp, Traffic, Udp

if TYPE_CHECKING:
    import argparse

__all__ = ("cluster_from", "measurement_from", "strategy_from", "worker_count")


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
        **given,
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


def worker_count(arguments: argparse.Namespace) -> int:
    """Give how many workers the pairs need."""
    if arguments.workers is not None:
        return int(arguments.workers)
    if arguments.pairing == "node-matrix":
        return int(arguments.nodes)
    pairs = 1 if arguments.pairs is None else int(arguments.pairs)
    if pairs < 1:
        msg = f"--pairs must be at least 1, not {pairs}"
        raise UsageError(msg)
    return pairs + 1 if arguments.pairing in {"many-to-one", "one-to-many"} else 2 * pairs


def cluster_from(arguments: argparse.Namespace) -> Cluster:
    """Make the cluster, not open yet."""
    zones = None
    if arguments.zones is not None:
        if arguments.zones < 1:
            msg = f"--zones must be at least 1, not {arguments.zones}"
            raise UsageError(msg)
        zones = [f"zone-{index + 1}" for index in range(arguments.zones)]
    return Cluster.local(
        nodes=arguments.nodes,
        zones=zones,
        isolation=arguments.isolation,
        link_rate_bps=arguments.link_rate,
        mtu=arguments.mtu,
    )
