"""A link of a known rate reads what the headers leave of it: netbench's own check of truth."""

import anyio

import netbench as nb

RATE_BPS = 100e6
#: Of each frame of 1514 bytes, 1448 are TCP payload (14 Ethernet, 20 IP, 32 TCP with time stamps).
PAYLOAD_SHARE = 1448 / 1514


async def main() -> None:
    """Measure over a link limited to 100 Mbit/s."""
    async with (
        nb.Cluster.local(nodes=2, isolation="netns", link_rate_bps=RATE_BPS) as cluster,
        nb.WorkerFleet(cluster, workers=2) as fleet,
    ):
        result = await nb.Measurement(nb.Tcp(), duration_s=3, warmup_s=1).run(fleet, nb.CrossNode())
    measured_bps = result.pairs[0].throughput_bps
    assert measured_bps is not None
    error = measured_bps / (RATE_BPS * PAYLOAD_SHARE) - 1
    print(f"{measured_bps / 1e6:.2f} Mbit/s, {error:+.2%} from the truth")


if __name__ == "__main__":
    anyio.run(main)
