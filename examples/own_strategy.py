"""Pair workers by a rule of your own, and keep the result as JSON."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import anyio

import netbench as nb


class Neighbours:
    """Each worker measures with the next one in the list; the odd one is left over."""

    def pair(self, workers: Sequence[nb.Worker]) -> nb.Pairing:
        """Pair the workers two by two, all in one round."""
        pairs = [nb.Pair(client, server) for client, server in zip(workers[::2], workers[1::2], strict=False)]
        return nb.Pairing(rounds=(tuple(pairs),))


async def main() -> None:
    """Measure, store, load, and compare."""
    async with nb.Cluster.local(nodes=3) as cluster, nb.WorkerFleet(cluster, workers=5) as fleet:
        result = await nb.Measurement(nb.Tcp(rate_bps=10e6), duration_s=1).run(fleet, Neighbours())
    for left in result.left_over:
        print(f"left over: {left.worker.name}, {left.reason}")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "result.json"
        result.save(path)
        assert nb.Result.load(path) == result
    print(f"{len(result.pairs)} pairs, complete: {result.complete}")


if __name__ == "__main__":
    anyio.run(main)
