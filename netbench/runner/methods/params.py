"""The Params of ``NetworkPerformanceMetrics``: ClusterLoader2's, and those that netbench adds."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import attrs

from netbench.errors import InvalidArgumentError
from netbench.measurement import Measurement
from netbench.pairing import CrossNode, CrossZone, PairingStrategy, Ratio, SameNode
from netbench.result import Precision
from netbench.runner.fields import Fields, Key
from netbench.runner.methods.thresholds import Threshold, read_thresholds
from netbench.runner.methods.worker import WorkerSettings, read_deployment, read_worker
from netbench.traffic import Http, Tcp, Traffic, Udp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netbench.runner.calls import MethodCall
    from netbench.runner.documents import Item
    from netbench.runner.places import Problems

__all__ = ("ACTION_KEYS", "START_KEYS", "NetworkSettings", "read_settings")

_ACTIONS = ("start", "gather")
_PROTOCOLS = ("TCP", "UDP", "HTTP")
_PAIRINGS: Mapping[str, type[PairingStrategy]] = {
    "cross-node": CrossNode,
    "same-node": SameNode,
    "cross-zone": CrossZone,
}
_ANY = "any"
_PATHS = ("pod", "host-network")
_NODE_PATHS = ("cluster-ip", "node-port")
_WORKERS_MAX, _REPEATS_MAX = 10_000, 1000
_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)([kMGT]?)")
_DECIMAL = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}

ACTION_KEYS = (
    Key("action", "start or gather", "start begins the measurement, gather waits for its end", required=True),
)
START_KEYS = (
    *ACTION_KEYS,
    Key("duration", "a duration such as 10s", "how long traffic counts", required=True),
    Key("protocol", "TCP, UDP or HTTP", "what the pairs send", required=True),
    Key("numberOfServers", "a whole number", "workers that are servers", required=True),
    Key("numberOfClients", "a whole number", "workers that are clients", required=True),
    Key(
        "pairing",
        "cross-node, same-node, cross-zone or any",
        "who may measure with whom",
        default="cross-node for equal numbers, else any, which prefers other nodes",
    ),
    Key("driver", "native, iperf2 or iperf3", "the tool that sends", default="native"),
    Key(
        "rate",
        "a number with k, M or G",
        "TCP, UDP: payload bit/s of a pair; HTTP: requests/s of an open loop",
        default="TCP: unlimited; UDP: 1000 datagrams/s; HTTP: a closed loop",
    ),
    Key("ratePps", "a number with k, M or G", "UDP: datagrams/s of a pair"),
    Key("streams", "a whole number", "TCP, UDP: parallel streams of a pair", default="1"),
    Key("payload", "a whole number of bytes", "TCP: one write; UDP: one datagram", default="TCP: 524288; UDP: 1400"),
    Key("connections", "a whole number", "HTTP: connections of a pair", default="8"),
    Key("requestBytes", "a whole number of bytes", "HTTP: the body of each request, which then is a POST", default="0"),
    Key("responseBytes", "a whole number of bytes", "HTTP: the body of each response", default="1024"),
    Key("path", "pod or host-network", "how clients reach servers", default="pod"),
    Key("warmup", "a duration", "traffic before anything counts", default="0s"),
    Key("interval", "a duration", "of the throughput series", default="100ms"),
    Key("repeats", "a whole number", "how often it is measured; reports are of all together", default="1"),
    Key("precision", "a number such as 0.02", "repeat until the mean is known to this share of it, instead of repeats"),
    Key("worker", "a mapping, see below", "how the workers' pods are to be; Kubernetes only"),
    Key(
        "workerDeployment",
        "a path",
        "ClusterLoader2's worker-deployment.yaml, whose pod is taken over; Kubernetes only",
    ),
    Key("thresholds", "a list, see below", "what the metrics must reach"),
)
#: Which protocols each of these goes with, and the argument of Tcp, Udp or Http that it is.
_TRAFFIC: Mapping[str, Mapping[str, str]] = {
    "rate": {"TCP": "rate_bps", "UDP": "rate_bps", "HTTP": "rate_rps"},
    "ratePps": {"UDP": "rate_pps"},
    "streams": {"TCP": "streams", "UDP": "streams"},
    "payload": {"TCP": "payload_bytes", "UDP": "payload_bytes"},
    "connections": {"HTTP": "connections"},
    "requestBytes": {"HTTP": "request_bytes"},
    "responseBytes": {"HTTP": "response_bytes"},
}


@attrs.frozen(kw_only=True)
class NetworkSettings:
    """What a start asks for, in the public API's words.

    Attributes:
        measurement: The measurement.
        clients: How many workers are clients.
        servers: How many workers are servers.
        pairing: Who measures with whom.
        worker: How the workers' pods are to be.
        thresholds: What the metrics must reach.
    """

    measurement: Measurement
    clients: int
    servers: int
    pairing: PairingStrategy
    worker: WorkerSettings
    thresholds: tuple[Threshold, ...]

    @property
    def pairs(self) -> int:
        """How many pairs there are to be."""
        return max(self.clients, self.servers)

    @property
    def workers(self) -> int:
        """How many workers are needed."""
        return self.clients + self.servers

    @property
    def ratio(self) -> str:
        """ClusterLoader2's word for the numbers: ``1:1`` or ``N:M``."""
        return "1:1" if self.clients == self.servers == 1 else "N:M"


def read_settings(call: MethodCall, problems: Problems) -> NetworkSettings | None:
    """Read a call's Params; None for a gather, and where something is wrong."""
    item = call.item
    assert item is not None  # noqa: S101 - it comes from a file
    action = _action(item, problems)
    if action is None:
        return None
    fields = Fields(item, START_KEYS if action == "start" else ACTION_KEYS, problems)
    if action != "start":
        return None
    before = len(problems)
    protocol = fields.choice("protocol", _PROTOCOLS)
    traffic = None if protocol is None else _traffic(fields, protocol)
    measurement = _measurement(fields, traffic)
    clients = fields.integer("numberOfClients", at_least=1, at_most=_WORKERS_MAX)
    servers = fields.integer("numberOfServers", at_least=1, at_most=_WORKERS_MAX)
    pairing = _pairing(fields, clients or 1, servers or 1)
    worker = _worker(fields, item, problems)
    thresholds = read_thresholds(fields.item("thresholds"), protocol, problems)
    if len(problems) > before or measurement is None or clients is None or servers is None or pairing is None:
        return None
    return NetworkSettings(
        measurement=measurement,
        clients=clients,
        servers=servers,
        pairing=pairing,
        worker=worker,
        thresholds=thresholds,
    )


def _action(item: Item, problems: Problems) -> str | None:
    every = [Key(key.name, key.form, key.meaning) for key in START_KEYS]
    unseen = type(problems)()
    fields = Fields(item, every, unseen)
    if not fields.good or fields.item("action") is None:
        Fields(item, START_KEYS[:1], problems) if item.kind != "map" else problems.add(
            "action is missing: start or gather", item.place, item.where
        )
        return None
    return Fields(item, every, problems).choice("action", _ACTIONS)


def _measurement(fields: Fields, traffic: Traffic | None) -> Measurement | None:
    duration_s = fields.duration_s("duration", above=0)
    given: dict[str, Any] = {
        "warmup_s": fields.duration_s("warmup"),
        "interval_s": fields.duration_s("interval", above=0),
        "driver": fields.choice("driver", ("native", "iperf2", "iperf3")),
    }
    given["repeats"] = fields.integer("repeats", at_least=1, at_most=_REPEATS_MAX)
    if duration_s is None or traffic is None:
        return None
    precision = fields.item("precision")
    relative = None if precision is None else fields.number("precision")
    arguments = {name: value for name, value in given.items() if value is not None}
    try:
        until = None if relative is None else Precision(relative=relative)
        return Measurement(traffic, duration_s=duration_s, until=until, **arguments)
    except InvalidArgumentError as error:
        keys = {
            "warmup_s": "warmup",
            "interval_s": "interval",
            "duration_s": "duration",
            "repeats": "repeats",
            "relative": "precision",
        }
        wrong = next((key for name, key in keys.items() if f"({name}" in error.argument), "driver")
        fields.wrong(wrong, f"{wrong} must be {error.expected}, not {error.value!r}")
        return None


def _traffic(fields: Fields, protocol: str) -> Traffic | None:
    arguments: dict[str, Any] = {}
    for key, homes in _TRAFFIC.items():
        item = fields.item(key)
        if item is None:
            continue
        if protocol not in homes:
            fields.wrong(key, f"{key} goes with {' or '.join(homes)}, not with {protocol}")
        elif key in {"rate", "ratePps"}:
            arguments[homes[protocol]] = _rate(fields, key)
        else:
            arguments[homes[protocol]] = fields.integer(key)
    if {"rate_bps", "rate_pps"} <= arguments.keys():
        fields.wrong("ratePps", "rate and ratePps exclude each other")
        return None
    arguments = {name: value for name, value in arguments.items() if value is not None}
    if arguments.get("request_bytes"):
        arguments["method"] = "POST"
    kinds: dict[str, type[Tcp | Udp | Http]] = {"TCP": Tcp, "UDP": Udp, "HTTP": Http}
    try:
        return kinds[protocol](**arguments)
    except InvalidArgumentError as error:
        wrong = next(
            (key for key, homes in _TRAFFIC.items() if f"({homes.get(protocol)}=" in error.argument), "protocol"
        )
        fields.wrong(wrong, f"must be {error.expected}, not {error.value!r}")
        return None


def _rate(fields: Fields, key: str) -> float | None:
    item = fields.item(key)
    assert item is not None  # noqa: S101 - whoever calls has seen it
    if isinstance(item.value, int | float) and not isinstance(item.value, bool):
        number = float(item.value)
    else:
        match = _RATE.fullmatch(item.text.strip()) if item.kind == "str" else None
        number = math.nan if match is None else float(match[1]) * _DECIMAL[match[2]]
    if not math.isfinite(number) or number <= 0:
        fields.wrong(key, f"a rate above 0 such as 800k, 100M or 2.5G was expected, not {item.described()}")
        return None
    return number


def _pairing(fields: Fields, clients: int, servers: int) -> PairingStrategy | None:
    equal = clients == servers
    choices = (*_PAIRINGS, _ANY)
    name = fields.choice("pairing", choices) if fields.item("pairing") is not None else None
    if fields.item("pairing") is not None and name is None:
        return None
    if name in _PAIRINGS and not equal:
        fields.wrong(
            "pairing", f"{name} goes with equal numbers of clients and servers; {clients} and {servers} take any"
        )
        return None
    if name == _ANY or not equal:
        return Ratio(clients=clients, servers=servers)
    return _PAIRINGS[name or "cross-node"]()


def _worker(fields: Fields, item: Item, problems: Problems) -> WorkerSettings:
    path = fields.text("path")
    if path in _NODE_PATHS:
        fields.wrong("path", f"{path} is not measured yet: there are {' and '.join(_PATHS)}")
    elif path is not None:
        path = fields.choice("path", _PATHS)
    deployment = fields.item("workerDeployment")
    base = WorkerSettings() if deployment is None else read_deployment(deployment, item, problems)
    return read_worker(fields.item("worker"), base, host_network=path == "host-network", problems=problems)
