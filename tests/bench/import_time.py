"""How long ``import netbench`` takes in a fresh process: the median of ten, beside an empty process and its peers."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

STATEMENTS = ("pass", "import netbench", "import anyio", "import attrs", "import cattrs", "import rich.table")
RUNS = 10


def milliseconds(statement: str) -> float:
    """Run a statement in a fresh process."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return (time.perf_counter() - begin) * 1000


def main() -> None:
    """Print the medians of interleaved runs, and what takes the time."""
    taken: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for _ in range(RUNS):
        for statement, times in taken.items():
            times.append(milliseconds(statement))
    empty = statistics.median(taken["pass"])
    for statement, times in taken.items():
        print(f"{statement:20} {statistics.median(times) - empty:7.1f} ms beyond an empty process ({empty:.1f} ms)")
    command = [sys.executable, "-X", "importtime", "-c", "import netbench"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    print("\n".join(line for line in done.stderr.splitlines() if "netbench" in line))


if __name__ == "__main__":
    main()
