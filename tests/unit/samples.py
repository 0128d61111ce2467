"""Values for histograms, and the histograms that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from netbench.hdr import HIGHEST, HistogramRecorder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netbench.metrics import HistogramData, Unit

__all__ = ("magnitudes", "record", "values")

#: Small ones, where every value has a bucket of its own; any; and those at the edges of buckets.
magnitudes = st.one_of(
    st.integers(min_value=0, max_value=5000),
    st.integers(min_value=0, max_value=HIGHEST),
    st.builds(lambda bit, step: 2**bit + step, st.integers(11, 49), st.integers(-1, 1)),
)
values = st.one_of(magnitudes, magnitudes.map(lambda magnitude: -magnitude))


def record(samples: Iterable[int], unit: Unit = "byte") -> HistogramData:
    """Give the histogram of these values as it travels."""
    recorder = HistogramRecorder(unit)
    recorder.record_many(samples)
    return recorder.data()
