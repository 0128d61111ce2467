"""What a plan would do, computed without touching anything."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs

from netbench.errors import PairingError
from netbench.runner.methods.params import NetworkSettings
from netbench.topology import Worker
from netbench.traffic import Http, Tcp, Traffic, Udp

if TYPE_CHECKING:
    from netbench.measurement import Measurement
    from netbench.runner.plan import Scenario

__all__ = ("CallPreview", "preview")

#: What placing and removing workers takes beside the traffic, by what was seen on a small cluster.
_AROUND_S = 3.0


@attrs.frozen(kw_only=True)
class CallPreview:
    """What one call would do.

    Attributes:
        step: The step's number, from 1.
        title: The step's name.
        identifier: The call's identifier.
        action: ``start``, ``gather``, or the method's name for methods of others.
        workers: How many workers (pods) would be placed.
        pairs: How many pairs there are to be.
        pairs_per_node: How many pairs have a client there, and how many a server, for each node.
        rounds: How many rounds.
        payload_bytes: How many bytes of payload would be sent; None where nothing limits it.
        duration_s: How long the traffic would take.
        warning: Why fewer pairs than asked for could be made on so many nodes.
    """

    step: int
    title: str
    identifier: str
    action: str
    workers: int = 0
    pairs: int = 0
    pairs_per_node: tuple[tuple[str, int, int], ...] = ()
    rounds: int = 0
    payload_bytes: float | None = None
    duration_s: float = 0.0
    warning: str = ""


def preview(scenario: Scenario, nodes: int) -> list[CallPreview]:
    """Say what a test's calls would do on a cluster of so many nodes, over which workers are spread evenly."""
    calls: list[CallPreview] = []
    for number, step in enumerate(scenario.steps, 1):
        for call in step.calls:
            action = str(call.params.get("action", call.method))
            empty = CallPreview(step=number, title=step.name, identifier=call.identifier, action=action)
            settings = call.settings
            calls.append(_started(empty, settings, nodes) if isinstance(settings, NetworkSettings) else empty)
    return calls


def _started(empty: CallPreview, settings: NetworkSettings, nodes: int) -> CallPreview:
    workers = [
        Worker(name=f"worker-{index}", node=f"node-{index % nodes + 1}", address="0.0.0.0")  # noqa: S104 - nobody binds it
        for index in range(settings.workers)
    ]
    measurement = settings.measurement
    known = attrs.evolve(
        empty,
        workers=settings.workers,
        pairs=settings.pairs,
        payload_bytes=_payload_bytes(measurement, settings.pairs),
        duration_s=_AROUND_S + measurement.warmup_s + measurement.duration_s,
    )
    try:
        pairing = settings.pairing.pair(workers)
    except PairingError as error:
        return attrs.evolve(known, warning=str(error))
    pairs = [pair for made in pairing.rounds for pair in made]
    clients = Counter(pair.client.node for pair in pairs)
    servers = Counter(pair.server.node for pair in pairs)
    names = sorted({*clients, *servers}, key=lambda name: int(name.removeprefix("node-")))
    lost = settings.pairs - len(pairs)
    return attrs.evolve(
        known,
        pairs_per_node=tuple((name, clients[name], servers[name]) for name in names),
        rounds=len(pairing.rounds),
        warning=f"{lost} of {settings.pairs} pairs cannot be made on {nodes} node(s)" if lost else "",
    )


def _payload_bytes(measurement: Measurement, pairs: int) -> float | None:
    rate = _bytes_per_s(measurement.traffic)
    return None if rate is None else rate * (measurement.warmup_s + measurement.duration_s) * pairs


def _bytes_per_s(traffic: Traffic) -> float | None:
    match traffic:
        case Tcp():
            return None if traffic.rate_bps is None else traffic.rate_bps / 8 * len(traffic.directions)
        case Udp():
            return None if traffic.asked_pps is None else traffic.asked_pps * traffic.payload_bytes
        case Http():
            size = traffic.request_bytes + traffic.response_bytes
            return None if traffic.rate_rps is None else traffic.rate_rps * size
