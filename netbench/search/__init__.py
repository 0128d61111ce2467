"""Search for the highest rate at which a bound still holds."""

from __future__ import annotations

from netbench.search.bounds import Bound, MaxLatency, MaxLoss
from netbench.search.found import SearchResult, Trial
from netbench.search.search import Search

__all__ = ("Bound", "MaxLatency", "MaxLoss", "Search", "SearchResult", "Trial")
