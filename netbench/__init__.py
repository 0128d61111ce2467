"""netbench: measure a Kubernetes cluster's network, and trust the number.

The public names are loaded when they are first used (PEP 562), so ``import netbench`` itself costs next to nothing.
"""

# A constant of this name is what type checkers look for; importing typing for it would cost more than all the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from netbench.cluster import Cluster
    from netbench.errors import (
        AccessDeniedError,
        ApiError,
        BackendError,
        CleanupError,
        ClusterUnreachableError,
        DriverError,
        HostError,
        IncompleteResultError,
        InvalidArgumentError,
        MissingExtraError,
        MissingFeatureError,
        MissingPermissionError,
        MissingProgramError,
        MissingValueError,
        NetbenchError,
        PairingError,
        PlacementError,
        PlanError,
        ProtocolError,
        ResultFormatError,
        StateError,
        UsageError,
    )
    from netbench.events import PairDone, PairFailed, PairProgressed, RoundFired, RoundStarted, RunEnded, RunEvent
    from netbench.fleet import WorkerFleet
    from netbench.histogram import Histogram
    from netbench.measurement import Measurement
    from netbench.messages import Failure, Phase
    from netbench.pairing import (
        CrossNode,
        CrossZone,
        ExplicitPairs,
        ManyToOne,
        NodeMatrix,
        OneToMany,
        Pairing,
        PairingStrategy,
        RandomPairs,
        Ratio,
        SameNode,
    )
    from netbench.problem import Problem
    from netbench.result import ConfidenceInterval, Doubt, PairFailure, PairResult, Precision, Result, Verdict
    from netbench.run import Run
    from netbench.runner import (
        MeasurementMethod,
        MethodCall,
        MethodContext,
        Plan,
        PlanOutcome,
        PlanSources,
        Summary,
        load_plan,
        measurement_method,
        run_plan,
    )
    from netbench.search import Bound, MaxLatency, MaxLoss, Search, SearchResult, Trial
    from netbench.topology import LeftOver, Node, Pair, Worker
    from netbench.traffic import Http, Tcp, Traffic, Udp
    from netbench.version import __version__

__all__ = (
    "AccessDeniedError",
    "ApiError",
    "BackendError",
    "Bound",
    "CleanupError",
    "Cluster",
    "ClusterUnreachableError",
    "ConfidenceInterval",
    "CrossNode",
    "CrossZone",
    "Doubt",
    "DriverError",
    "ExplicitPairs",
    "Failure",
    "Histogram",
    "HostError",
    "Http",
    "IncompleteResultError",
    "InvalidArgumentError",
    "LeftOver",
    "ManyToOne",
    "MaxLatency",
    "MaxLoss",
    "Measurement",
    "MeasurementMethod",
    "MethodCall",
    "MethodContext",
    "MissingExtraError",
    "MissingFeatureError",
    "MissingPermissionError",
    "MissingProgramError",
    "MissingValueError",
    "NetbenchError",
    "Node",
    "NodeMatrix",
    "OneToMany",
    "Pair",
    "PairDone",
    "PairFailed",
    "PairFailure",
    "PairProgressed",
    "PairResult",
    "Pairing",
    "PairingError",
    "PairingStrategy",
    "Phase",
    "PlacementError",
    "Plan",
    "PlanError",
    "PlanOutcome",
    "PlanSources",
    "Precision",
    "Problem",
    "ProtocolError",
    "RandomPairs",
    "Ratio",
    "Result",
    "ResultFormatError",
    "RoundFired",
    "RoundStarted",
    "Run",
    "RunEnded",
    "RunEvent",
    "SameNode",
    "Search",
    "SearchResult",
    "StateError",
    "Summary",
    "Tcp",
    "Traffic",
    "Trial",
    "Udp",
    "UsageError",
    "Verdict",
    "Worker",
    "WorkerFleet",
    "__version__",
    "load_plan",
    "measurement_method",
    "run_plan",
)

_HOMES = {
    "cluster": ("Cluster",),
    "errors": (
        "AccessDeniedError",
        "ApiError",
        "BackendError",
        "CleanupError",
        "ClusterUnreachableError",
        "DriverError",
        "HostError",
        "IncompleteResultError",
        "InvalidArgumentError",
        "MissingExtraError",
        "MissingFeatureError",
        "MissingPermissionError",
        "MissingProgramError",
        "MissingValueError",
        "NetbenchError",
        "PairingError",
        "PlacementError",
        "PlanError",
        "ProtocolError",
        "ResultFormatError",
        "StateError",
        "UsageError",
    ),
    "events": ("PairDone", "PairFailed", "PairProgressed", "RoundFired", "RoundStarted", "RunEnded", "RunEvent"),
    "fleet": ("WorkerFleet",),
    "histogram": ("Histogram",),
    "measurement": ("Measurement",),
    "messages": ("Failure", "Phase"),
    "problem": ("Problem",),
    "runner": (
        "MeasurementMethod",
        "MethodCall",
        "MethodContext",
        "Plan",
        "PlanOutcome",
        "PlanSources",
        "Summary",
        "load_plan",
        "measurement_method",
        "run_plan",
    ),
    "pairing": (
        "CrossNode",
        "CrossZone",
        "ExplicitPairs",
        "ManyToOne",
        "NodeMatrix",
        "OneToMany",
        "Pairing",
        "PairingStrategy",
        "RandomPairs",
        "Ratio",
        "SameNode",
    ),
    "result": ("ConfidenceInterval", "Doubt", "PairFailure", "PairResult", "Precision", "Result", "Verdict"),
    "run": ("Run",),
    "search": ("Bound", "MaxLatency", "MaxLoss", "Search", "SearchResult", "Trial"),
    "topology": ("LeftOver", "Node", "Pair", "Worker"),
    "traffic": ("Http", "Tcp", "Traffic", "Udp"),
    "version": ("__version__",),
}


def __getattr__(name: str) -> object:
    """Load a public name from the module it lives in, once."""
    for module, names in _HOMES.items():
        if name in names:
            from importlib import import_module  # noqa: PLC0415 - only when something is loaded

            value: object = getattr(import_module(f"netbench.{module}"), name)
            globals()[name] = value
            return value
    msg = f"module 'netbench' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
