"""P11: values into a histogram each second, and a result's size on the wire."""

from __future__ import annotations

import json
import random
import time
from functools import partial
from typing import TYPE_CHECKING

from hdrh.histogram import HdrHistogram

import netbench as nb
from netbench.hdr import HIGHEST, HistogramRecorder
from netbench.kube.control import status_of
from netbench.messages import PairStatus, Phase
from tests.bench.harness import Line, compared, interleaved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.harness import Options

_VALUES = 1_000_000
_LONG_S = 60.0
_KB = 1000.0


async def run(options: Options) -> list[Line]:
    """Record a million delays; encode sixty seconds of each traffic."""
    chance = random.Random(options.seed)  # noqa: S311 - no secret
    values = [int(chance.lognormvariate(11, 0.5)) for _ in range(_VALUES)]
    found = await interleaved(
        {"netbench": partial(_ours, values), "hdrh": partial(_hdrh, values[: _VALUES // 10])}, options
    )
    lines = [compared("P11 recorded M values/s", found, "M/s", peer="hdrh", least=1.0)]
    rate = lines[0].ours
    lines.append(Line(figure="P11 without numpy, M values/s", ours=rate, target=">= 5", reached=rate >= 5))
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        for name, traffic in (("TCP", nb.Tcp(rate_bps=1e8)), ("UDP", nb.Udp()), ("HTTP", nb.Http(rate_rps=500))):
            result = await nb.Measurement(traffic, duration_s=_LONG_S).run(fleet, nb.CrossNode())
            status = PairStatus(
                run_id="run-1", pair_id="0.a.b", phase=Phase.DONE, outcome=result.pairs[0].outcome, reported_ns=1
            )
            # As the worker writes it into the API server's object, all of its status included.
            size_kb = len(json.dumps(status_of(status), separators=(",", ":"))) / _KB
            figure = f"P11 {name}, 60 s, a pair's result on the wire, KB"
            lines.append(Line(figure=figure, ours=size_kb, target="<= 8", reached=size_kb <= 8))
    return lines


async def _ours(values: Sequence[int]) -> dict[str, float]:
    began = time.perf_counter()
    recorder = HistogramRecorder("ns")
    recorder.record_many(values)
    assert recorder.data().count == len(values)
    return {"M/s": len(values) / (time.perf_counter() - began) / 1e6}


async def _hdrh(values: Sequence[int]) -> dict[str, float]:
    began = time.perf_counter()
    histogram = HdrHistogram(1, HIGHEST, 3)
    for value in values:
        histogram.record_value(value)
    histogram.encode()
    return {"M/s": len(values) / (time.perf_counter() - began) / 1e6}
