"""Start a measurement of three clients and one server, follow it, and stop it early."""

import anyio

import netbench as nb


async def main() -> None:
    """Stop after one second of an hour and keep what was measured."""
    async with nb.Cluster.local(nodes=2) as cluster, nb.WorkerFleet(cluster, workers=4) as fleet:
        run = await nb.Measurement(nb.Udp(rate_pps=2000), duration_s=3600).start(fleet, nb.ManyToOne())
        async for event in run.events():
            print(type(event).__name__)
            if isinstance(event, nb.RoundFired):
                await anyio.sleep(event.starts_in_s + 1)
                await run.stop()
        result = await run.gather()
    for pair in result.pairs:
        print(f"{pair.pair}: lost {pair.lost} of {pair.sent}, p99 {pair.latency.percentile(99) * 1e6:.0f} us")
    print(f"stopped early: {result.stopped_early}")


if __name__ == "__main__":
    anyio.run(main)
