"""netbench's HTTP client against any server: ``python -m tests.bench.http_engine HOST PORT CONNECTIONS SECONDS``.

The product's client speaks to its own server only; against a peer's server its event loop is run by itself.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time

from netbench.traffic import Http
from netbench.worker.drivers.native_http.loading import Loading
from netbench.worker.drivers.native_http.wire import request
from netbench.worker.recording import Schedule


def main() -> None:
    """Load the server and print what came out as JSON."""
    host, port, connections, seconds = sys.argv[1], *(int(word) for word in sys.argv[2:5])
    traffic = Http(connections=connections)
    loading = Loading(traffic, socket.AF_INET, (host, port), request(traffic, host, bytes(16)), threading.Event())
    loading.probe(5)
    start = time.perf_counter_ns() + 50_000_000
    end = start + seconds * 10**9
    cpu_s = time.process_time()
    loading.run(Schedule(start=start, counted_from=start, end=end, interval=10**9))
    cpu_s = time.process_time() - cpu_s
    response, _, _ = loading.tally.histograms
    data = response.data()
    print(
        json.dumps(
            {
                "requests": loading.tally.responses,
                "errors": sum(loading.tally.errors.values()),
                "mean_s": data.total / data.count / 1e9,
                "cpu_s": cpu_s,
            }
        )
    )
    loading.close()


if __name__ == "__main__":
    main()
