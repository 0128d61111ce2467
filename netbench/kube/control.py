"""How requests, statuses and the control of runs are written into objects of the API server."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

import attrs

from netbench.errors import ProtocolError
from netbench.kube.names import API_GROUP, API_VERSION, FLEET_LABEL, RELAY_LABEL, RUN_LABEL
from netbench.kube.roll import roll_number
from netbench.messages import (
    ControlRecord,
    Failure,
    PairRequest,
    PairStatus,
    Phase,
    WorkerHello,
    from_wire,
    to_wire,
)
from netbench.packing import pack_outcome, unpack_outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from netbench.kube.api import JsonObject
    from netbench.kube.names import FleetNames

__all__ = (
    "LEASE_DURATION_S",
    "FleetControl",
    "TimeBase",
    "by_client",
    "read_hellos",
    "read_requests",
    "read_statuses",
    "request_object",
    "split_by_client",
    "status_of",
    "write_hellos",
)

#: After this long without a sign of life from the controller, workers stop; API servers restart in less.
LEASE_DURATION_S = 30
#: etcd takes 1.5 MiB per object by default, and an update holds the object twice on its way.
_OUTCOME_MAX_BYTES = 700_000


@attrs.frozen(kw_only=True)
class TimeBase:
    """The worker whose clock all others are compared with.

    Attributes:
        worker: Its name.
        host: Its address.
        peer_port: The port of its peer sessions.
    """

    worker: str
    host: str
    peer_port: int


@attrs.frozen(kw_only=True)
class FleetControl:
    """What the controller says to all workers at once, in one annotation of the fleet's Lease.

    Attributes:
        time_base: Whose clock is the time base; None until the workers are ready.
        records: The newest control record of each round that is under way.
    """

    time_base: TimeBase | None = None
    records: tuple[ControlRecord, ...] = ()

    def to_text(self) -> str:
        """Write it down."""
        return json.dumps(to_wire(self), separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> FleetControl:
        """Read it.

        Raises:
            ProtocolError: It is none.
        """
        return from_wire(_json(text), cls)


def write_hellos(hellos: Iterable[WorkerHello]) -> str:
    """Write down what workers say of themselves."""
    return json.dumps([to_wire(hello) for hello in hellos], separators=(",", ":"))


def read_hellos(text: str) -> tuple[WorkerHello, ...]:
    """Read it.

    Raises:
        ProtocolError: It is none.
    """
    return from_wire(_json(text), tuple[WorkerHello, ...])


def request_object(
    names: FleetNames,
    name: str,
    requests: Sequence[PairRequest],
    *,
    roll_number: int | None = None,
    relay: str | None = None,
) -> JsonObject:
    """Make the request of one client worker in one round, or of several that have one relay: all their pairs.

    The fields that ClusterLoader2 knows describe the first pair; ``pairs`` has all, whole, as one text: an API server
    walks through every field of an object some ten times for each change of its status.

    Args:
        names: The fleet's names.
        name: Its name.
        requests: The pairs, all of one round, those of a client together.
        roll_number: The number of the first pair in the round's roll, whose clients tell the time base that they are
            armed; None where there is no roll.
        relay: The worker through which the clients reach the API server; None for one that does so itself.
    """
    first = requests[0]
    in_roll = {} if roll_number is None else {"rollNumber": roll_number}
    labels = {**names.labels, RUN_LABEL: first.run_id}
    if relay is not None:
        labels[RELAY_LABEL] = relay
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": "NetworkTestRequest",
        "metadata": {
            "name": name,
            "namespace": names.namespace,
            "labels": labels,
        },
        "spec": {
            "clientPodName": first.client,
            "serverPodName": first.server,
            "serverPodIP": first.server_host,
            "protocol": first.traffic.protocol.upper(),
            "duration": max(1, round(first.duration_s)),
            "clientStartTimestamp": 0,
            "numberOfClients": getattr(first.traffic, "connections", getattr(first.traffic, "streams", 1)),
            "runID": first.run_id,
            "roundIndex": first.round_index,
            "driver": first.driver,
            **in_roll,
            "pairs": json.dumps([to_wire(request) for request in requests], separators=(",", ":")),
        },
    }


def read_requests(value: JsonObject, fleet: str) -> Iterator[PairRequest]:
    """Give the pairs of a request object; none where it is of another fleet, or ClusterLoader2's.

    Raises:
        ProtocolError: One cannot be understood.
    """
    if (value["metadata"].get("labels") or {}).get(FLEET_LABEL) != fleet:
        return
    yield from from_wire(_json((value.get("spec") or {}).get("pairs", "[]")), tuple[PairRequest, ...])


def split_by_client(value: JsonObject) -> dict[str, JsonObject]:
    """Take a request object apart: give each client one of its own, with its pairs and their numbers in the roll.

    Raises:
        ProtocolError: It cannot be understood.
    """
    spec = value.get("spec") or {}
    number = roll_number(value)
    pairs = _json(spec.get("pairs", "[]"))
    parts: dict[str, JsonObject] = {}
    try:
        for client, group in groupby(enumerate(pairs), key=lambda pair: str(pair[1]["client"])):
            numbered = list(group)
            own: JsonObject = {"pairs": json.dumps([pair for _, pair in numbered], separators=(",", ":"))}
            if number is not None:
                own["rollNumber"] = number + numbered[0][0]
            parts[client] = {"metadata": value["metadata"], "spec": {**spec, **own}}
    except (KeyError, TypeError) as error:
        msg = f"the request {value['metadata']['name']} has no list of pairs: {error}"
        raise ProtocolError(msg) from error
    return parts


def status_of(status: PairStatus) -> JsonObject:
    """Write down how far one pair is: its entry in the map ``status.pairs``."""
    entry: dict[str, Any] = {"phase": status.phase.value, "runID": status.run_id}
    if status.reported_ns is not None:
        entry["reportedAtNanoseconds"] = status.reported_ns
    if status.failure is not None:
        entry["failure"] = to_wire(status.failure)
    if status.outcome is not None:
        entry["outcome"] = pack_outcome(status.outcome)
        if len(entry["outcome"]) > _OUTCOME_MAX_BYTES:
            message = (
                f"its result takes {len(entry['outcome'])} bytes, more than the API server keeps in one object; "
                "use a longer interval_s or fewer streams"
            )
            failure = Failure(phase=Phase.GATHERING, reason="unsupported", message=message)
            return status_of(attrs.evolve(status, phase=Phase.FAILED, outcome=None, failure=failure))
    return entry


def read_statuses(value: JsonObject, known: Collection[str] = ()) -> Iterator[PairStatus]:
    """Give the statuses of the pairs of a request object, but for those pairs whose ends are known.

    Raises:
        ProtocolError: One cannot be understood.
    """
    pairs: dict[str, dict[str, Any]] = (value.get("status") or {}).get("pairs") or {}
    for pair_id, entry in pairs.items():
        if pair_id in known:
            continue
        try:
            outcome = entry.get("outcome")
            yield PairStatus(
                run_id=str(entry["runID"]),
                pair_id=pair_id,
                phase=Phase(entry["phase"]),
                failure=from_wire(entry["failure"], Failure) if "failure" in entry else None,
                outcome=None if outcome is None else unpack_outcome(outcome),
                reported_ns=entry.get("reportedAtNanoseconds"),
            )
        except (KeyError, ValueError) as error:
            msg = f"the status of pair {pair_id} in {value['metadata']['name']} cannot be read: {error}"
            raise ProtocolError(msg) from error


def by_client(requests: Iterable[PairRequest]) -> dict[str, list[PairRequest]]:
    """Gather the requests of each client worker."""
    gathered: dict[str, list[PairRequest]] = {}
    for request in requests:
        gathered.setdefault(request.client, []).append(request)
    return gathered


def _json(text: str | bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(text)
    except ValueError as error:
        msg = f"it is not JSON: {error}"
        raise ProtocolError(msg) from error
