"""Names of the objects, labels and annotations that controller and workers agree on."""

from __future__ import annotations

import attrs

__all__ = (
    "API_GROUP",
    "API_VERSION",
    "CONTROL_ANNOTATION",
    "CRD_NAME",
    "FLEET_LABEL",
    "HELLO_ANNOTATION",
    "LEASES",
    "MANAGED_BY",
    "RELAY_LABEL",
    "REQUESTS",
    "ROLE_LABEL",
    "RUN_LABEL",
    "WORKERS_ANNOTATION",
    "FleetNames",
)

API_GROUP = "clusterloader.io"
API_VERSION = "v1alpha1"
REQUESTS = "networktestrequests"
CRD_NAME = f"{REQUESTS}.{API_GROUP}"
#: Every object of a fleet carries these two; removal goes by them and by nothing else.
MANAGED_BY = ("app.kubernetes.io/managed-by", "netbench")
FLEET_LABEL = "netbench.io/fleet"
#: The run that a request belongs to.
RUN_LABEL = "netbench.io/run"
#: On a request in a large fleet: the worker through which its client reaches the API server.
RELAY_LABEL = "netbench.io/relay"
#: ``controller`` for the fleet's own Lease, ``worker`` for a worker's.
ROLE_LABEL = "netbench.io/role"
#: On the fleet's Lease: the control records of runs that are under way, and the worker whose clock is the time base.
CONTROL_ANNOTATION = "netbench.io/control"
#: On a worker's Lease: what it, or each of those for whom it speaks, says of itself.
HELLO_ANNOTATION = "netbench.io/hello"

#: On the fleet's Lease: how many workers it is to have, by which whoever removes them knows how long that may take.
WORKERS_ANNOTATION = "netbench.io/workers"

LEASES = "leases"


@attrs.frozen
class FleetNames:
    """The names and paths of one fleet's objects.

    Attributes:
        namespace: Where they are.
        fleet: The fleet's id.
    """

    namespace: str
    fleet: str

    @property
    def base(self) -> str:
        """The name of all objects of which a fleet has one."""
        return f"netbench-{self.fleet}"

    def roll(self, run_id: str, round_index: int) -> str:
        """The name of a round's roll, in which the time base writes which pairs are armed."""
        return f"{self.base}-{run_id}-{round_index}"

    @property
    def requests(self) -> str:
        """Path of the requests."""
        return f"/apis/{API_GROUP}/{API_VERSION}/namespaces/{self.namespace}/{REQUESTS}"

    @property
    def leases(self) -> str:
        """Path of the Leases."""
        return f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/{LEASES}"

    @property
    def selector(self) -> str:
        """The selector of everything that is the fleet's."""
        return f"{MANAGED_BY[0]}={MANAGED_BY[1]},{FLEET_LABEL}={self.fleet}"

    @property
    def labels(self) -> dict[str, str]:
        """The labels of everything that is the fleet's."""
        return {MANAGED_BY[0]: MANAGED_BY[1], FLEET_LABEL: self.fleet}
