"""``python -m tests.bench NAME...``: run benchmarks and print one table; ``--list`` says which there are."""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import attrs

from tests.bench.harness import Options, markdown, print_table
from tests.bench.machine import machine_words, versions_words

if TYPE_CHECKING:
    from tests.bench.harness import Line

#: In this order; each module has ``run(options)`` and says in its docstring what it measures.
_ON_THIS_MACHINE = ("tcp", "udp", "http", "open_loop", "start", "pacing", "recording", "quiet")
_ON_A_CLUSTER = ("worker", "lab", "control_plane")
NAMES = (*_ON_THIS_MACHINE, *_ON_A_CLUSTER)


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all that need no cluster")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved runs of each; default: 7")
    parser.add_argument("--duration", type=float, default=5.0, help="seconds of traffic in each; default: 5")
    parser.add_argument("--seed", type=int, default=1, help="of the random order")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PATH", help="such as iperf3=/opt/iperf3")
    parser.add_argument("--sizes", default="50,500", help="pairs of control_plane; default: 50,500")
    parser.add_argument("--output", metavar="FILE", help="write the table as Markdown, and beside it the JSON")
    arguments = parser.parse_args()
    if arguments.list:
        for name in NAMES:
            print(f"{name:14} {(import_module(f'tests.bench.{name}').__doc__ or '').splitlines()[0]}")
        return 0
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; --list says which there are")
    options = Options(
        rounds=arguments.rounds,
        duration_s=arguments.duration,
        seed=arguments.seed,
        peers=dict(each.split("=", 1) for each in arguments.peer),
        sizes=tuple(int(size) for size in arguments.sizes.split(",")),
    )
    lines: list[Line] = []
    for name in arguments.names or _ON_THIS_MACHINE:
        print(f"-- {name}", file=sys.stderr, flush=True)
        try:
            found = anyio.run(import_module(f"tests.bench.{name}").run, options)
        except Exception:  # noqa: BLE001 - printed
            # The others' figures took long to come by.
            traceback.print_exc()
            continue
        print_table(found)
        lines += found
    if arguments.output:
        _write(Path(arguments.output), lines, options)
    return 0


def _write(path: Path, lines: list[Line], options: Options) -> None:
    where = f"{machine_words()}; {versions_words(options)}; {datetime.now(UTC):%Y-%m-%d}"
    how = f"medians of {options.rounds} interleaved runs of {options.duration_s:g} s where there are several"
    path.write_text(f"{where}; {how}.\n\n{markdown(lines)}")
    path.with_suffix(".json").write_text(json.dumps([attrs.asdict(line) for line in lines], indent=1))


if __name__ == "__main__":
    sys.exit(main())
