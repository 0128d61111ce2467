"""What came out of a measurement: per cluster and per pair, failures included."""

from netbench.result.cpu import CpuUse
from netbench.result.facts import MeasurementFacts, RunMetadata
from netbench.result.failure import PairFailure
from netbench.result.model import Result
from netbench.result.pair import PairResult
from netbench.result.precision import ConfidenceInterval, Precision, Statistic
from netbench.result.store import SCHEMA
from netbench.result.verdict import Doubt, Verdict

__all__ = (
    "SCHEMA",
    "ConfidenceInterval",
    "CpuUse",
    "Doubt",
    "MeasurementFacts",
    "PairFailure",
    "PairResult",
    "Precision",
    "Result",
    "RunMetadata",
    "Statistic",
    "Verdict",
)
