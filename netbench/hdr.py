"""Histograms on the worker's side: recording and encoding in pure Python.

The configuration is one for all of netbench, so that any two histograms can be merged.
"""

from __future__ import annotations

#: Least and greatest value that is told apart, in counts of the histogram's unit: 1 ns to 13 days, 1 bit/s to 1.1 Pbit/s.
LOWEST = 1
HIGHEST = 2**50
#: Significant decimal digits that are kept.
DIGITS = 3
