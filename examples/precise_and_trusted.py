"""Repeat until the figure is known well enough, ask whether it can be believed, and search for a limit."""

from __future__ import annotations

import anyio

import netbench as nb


async def main() -> None:
    """Measure a link of 100 Mbit/s, then the datagrams that it carries without loss."""
    async with (
        nb.Cluster.local(nodes=2, link_rate_bps=1e8) as cluster,
        nb.WorkerFleet(cluster, workers=2) as fleet,
    ):
        precision = nb.Precision(relative=0.02, repeats_max=6)
        result = await nb.Measurement(nb.Tcp(), duration_s=1, until=precision).run(fleet, nb.CrossNode())
        if result.interval is not None:
            low, high = result.interval.low / 1e6, result.interval.high / 1e6
            print(f"throughput between {low:.1f} and {high:.1f} Mbit/s, {result.repeats} repetitions")
        print(result.verdict)
        for doubt in result.verdict.doubts:
            print(f"  {doubt.evidence}; {doubt.advice}")

        search = nb.Search(nb.Udp(), bound=nb.MaxLoss(0.001), rate_max=20_000, duration_s=1, resolution=0.1)
        print(await search.run(fleet, nb.CrossNode()))


if __name__ == "__main__":
    anyio.run(main)
