"""Where figures come from: the machine, and the versions of the programs beside netbench."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from netbench.version import __version__

if TYPE_CHECKING:
    from tests.bench.harness import Options

__all__ = ("machine_words", "versions_words")

#: What each is asked with; some answer on the standard error, and fail.
_PROGRAMS = {"iperf": "-v", "iperf3": "-v", "wrk": "-v", "h2load": "--version", "siege": "--version", "nginx": "-v"}
_VERSION = re.compile(r"\d+(?:\.\d+)+")


def machine_words() -> str:
    """Give netbench's version, Python's, the system and the processors."""
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    return f"netbench {__version__}, Python {platform.python_version()}, {system}, {_processors()}"


def versions_words(options: Options) -> str:
    """Give the versions of the peers that are here."""
    found = {name: _version(options.program(name), option) for name, option in _PROGRAMS.items()}
    return ", ".join(f"{name} {version}" for name, version in found.items() if version is not None)


def _processors() -> str:
    count = f"{len(os.sched_getaffinity(0))} processors"
    try:
        facts = dict(re.findall(r"^(.+?)\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE))
    except OSError:
        return count
    virtual = "of a virtual machine, " if "hypervisor" in facts.get("flags", "").split() else ""
    model = facts.get("model name")
    return count if model is None else f"{count} ({virtual}{model})"


def _version(program: str, option: str) -> str | None:
    with tempfile.TemporaryDirectory() as home:
        try:
            # siege leaves its settings in the home of whoever asks.
            command, own = [program, option], {**os.environ, "HOME": home}
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=10, env=own)
        except OSError:
            return None
    match = _VERSION.search(done.stdout + done.stderr)
    return None if match is None else match[0]
