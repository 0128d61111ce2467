"""Measure TCP between two nodes of this machine, in ten lines."""

import anyio

import netbench as nb


async def main() -> None:
    """Measure for three seconds and print the table."""
    async with nb.Cluster.local(nodes=2) as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
        measurement = nb.Measurement(nb.Tcp(), duration_s=3)
        result = await measurement.run(fleet, nb.CrossNode())
    print(result)
    print(f"median of the intervals: {result.bandwidth.percentile(50) / 1e9:.2f} Gbit/s")
    result.raise_if_incomplete()


if __name__ == "__main__":
    anyio.run(main)
