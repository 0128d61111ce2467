"""Compare what an open and a closed loop say of the same HTTP server."""

import anyio

import netbench as nb


async def main() -> None:
    """Ask for 500 requests per second, then for as many as one connection can get."""
    loops = {
        "open loop, 500/s": nb.Http(rate_rps=500, connections=4),
        "closed loop, 1 connection": nb.Http(connections=1),
    }
    async with nb.Cluster.local(nodes=2) as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        for name, traffic in loops.items():
            result = await nb.Measurement(traffic, duration_s=2, warmup_s=0.2).run(fleet, nb.CrossNode())
            result.raise_if_incomplete()
            pair = result.pairs[0]
            p50, p99 = (pair.latency.percentile(p) * 1e6 for p in (50, 99))
            print(f"{name}: {pair.requests_per_s:.0f} requests/s, p50 {p50:.0f} us, p99 {p99:.0f} us")


if __name__ == "__main__":
    anyio.run(main)
