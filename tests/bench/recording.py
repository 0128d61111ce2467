"""P11: values into a histogram each second, a result's size on the wire and what packing costs, merging."""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from hdrh.histogram import HdrHistogram

import netbench as nb
from netbench.hdr import HIGHEST, HistogramRecorder
from netbench.kube.control import status_of
from netbench.messages import PairStatus, Phase
from netbench.packing import pack_outcome, unpack_outcome
from tests.bench.harness import Line, compared, interleaved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.bench.harness import Options

_VALUES = 1_000_000
_LONG_S = 60.0
_KB = 1000.0
_MERGED = (1000, 2000)
_TIMES = 20
_TRAFFIC: dict[str, nb.Traffic] = {
    "TCP": nb.Tcp(rate_bps=1e8),
    "UDP": nb.Udp(),
    "HTTP": nb.Http(rate_rps=500),
    "HTTP, as fast as it goes": nb.Http(),
}


async def run(options: Options) -> list[Line]:
    """Record a million delays; encode sixty seconds of each traffic; merge thousands of histograms."""
    chance = random.Random(options.seed)  # noqa: S311 - no secret
    values = [int(chance.lognormvariate(11, 0.5)) for _ in range(_VALUES)]
    contestants = {"netbench": partial(_ours, values), "hdrh": partial(_hdrh, values[: _VALUES // 10])}
    try:
        import numpy as np  # noqa: PLC0415 - an extra
    except ImportError:
        print("   numpy is not installed: no line for it (pip install 'netbench[numpy]')", file=sys.stderr)
    else:
        contestants["numpy"] = partial(_numpy, np.array(values))
    found = await interleaved(contestants, options)
    lines = [
        compared("P11 recorded, M values/s", found, "M/s", peer="hdrh", least=1.0),
        compared("P11 recorded without numpy, M values/s", found, "M/s", least=5),
    ]
    if "numpy" in found:
        lines.append(compared("P11 recorded with numpy, M values/s", found, "M/s", ours="numpy", least=20))
    lines += [_merging(values, count) for count in _MERGED]
    async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        for name, traffic in _TRAFFIC.items():
            result = await nb.Measurement(traffic, duration_s=_LONG_S).run(fleet, nb.CrossNode())
            lines += _wire(name, result)
    return lines


def _wire(name: str, result: nb.Result) -> list[Line]:
    outcome = result.pairs[0].outcome
    status = PairStatus(run_id="run-1", pair_id="0.a.b", phase=Phase.DONE, outcome=outcome, reported_ns=1)
    # As the worker writes it into the API server's object, all of its status included.
    size_kb = len(json.dumps(status_of(status), separators=(",", ":"))) / _KB
    text = pack_outcome(outcome)
    assert unpack_outcome(text) == outcome
    figure = f"P11 {name}, 60 s, a pair's result"
    return [
        Line(figure=f"{figure} on the wire, KB", ours=size_kb, target="<= 8", reached=size_kb <= 8),
        Line(figure=f"{figure}, packing, CPU ms", ours=_cpu_ms(lambda: pack_outcome(outcome))),
        Line(figure=f"{figure}, unpacking, CPU ms", ours=_cpu_ms(lambda: unpack_outcome(text))),
    ]


def _cpu_ms(call: Callable[[], object]) -> float:
    taken = []
    for _ in range(_TIMES):
        began = time.process_time()
        call()
        taken.append(time.process_time() - began)
    return statistics.median(taken) * 1000


def _merging(values: Sequence[int], count: int) -> Line:
    parts = [nb.Histogram.of(values[place * 100 : place * 100 + 20_000], "ns").to_data() for place in range(count)]
    began = time.perf_counter()
    nb.Histogram.merged(map(nb.Histogram, parts)).percentiles((50, 99, 99.9))
    took_s = time.perf_counter() - began
    figure = f"P11 merging {count:,} histograms and three percentiles, s"
    return Line(figure=figure, ours=took_s, target="< 0.5", reached=took_s < 0.5)


async def _ours(values: Sequence[int]) -> Mapping[str, float]:
    began = time.perf_counter()
    recorder = HistogramRecorder("ns")
    recorder.record_many(values)
    assert recorder.data().count == len(values)
    return {"M/s": len(values) / (time.perf_counter() - began) / 1e6}


async def _numpy(values: Any) -> Mapping[str, float]:  # noqa: ANN401 - numpy may not be there
    began = time.perf_counter()
    assert nb.Histogram.of(values, "ns").count == len(values)
    return {"M/s": len(values) / (time.perf_counter() - began) / 1e6}


async def _hdrh(values: Sequence[int]) -> Mapping[str, float]:
    began = time.perf_counter()
    histogram = HdrHistogram(1, HIGHEST, 3)
    for value in values:
        histogram.record_value(value)
    histogram.encode()
    return {"M/s": len(values) / (time.perf_counter() - began) / 1e6}
