"""Any bytes as a template, a config, a suite, or an override file: they are read, or refused with a problem.

``python -m tests.fuzz.plans template|config SECONDS``; atheris guides it by coverage. A traceback, an input that takes
ten seconds, or a gigabyte of memory ends it with an error.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import atheris

_SEEDS = Path(__file__).parents[1] / "corpus" / "plans" / "bad"
_QUICK_S = 0.02

with atheris.instrument_imports(include=["netbench.runner"]):
    from netbench.errors import PlanError
    from netbench.runner.load import PlanSources, load_plan
    from netbench.runner.template import Int64, TemplateError, render


def template(data: bytes) -> None:
    """Render a text."""
    with suppress(TemplateError):
        render(data.decode("utf-8", "surrogateescape"), {"a": "b", "n": Int64(3), "f": 1.5, "m": {"k": ["x", True]}})


def config(data: bytes) -> None:
    """Read a plan, whose override file is the same text."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        Path(file.name).write_bytes(data)
        for overrides in ((), (file.name,)):
            with suppress(PlanError):
                load_plan(PlanSources(files=(file.name,), overrides=overrides))


def main() -> None:
    """Fuzz until the time is over, or something breaks."""
    name, seconds = sys.argv[1:]
    target = {"template": template, "config": config}[name]
    limits = ["-timeout=10", "-rss_limit_mb=1024", f"-max_total_time={seconds}", "-max_len=2000"]
    with tempfile.TemporaryDirectory() as corpus:
        for path in _SEEDS.glob("*.yaml"):
            began = time.perf_counter()
            target(path.read_bytes())
            # What runs into the limits on purpose is slow, and so would its children be.
            if time.perf_counter() - began < _QUICK_S:
                shutil.copy(path, corpus)
        atheris.Setup(["fuzz", corpus, *limits, "-print_final_stats=1"], target)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
