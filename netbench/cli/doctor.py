"""``netbench doctor``: what this machine can do, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import anyio
from rich.console import Console
from rich.table import Table

from netbench.backends.base import Finding
from netbench.backends.local import leftovers
from netbench.cli.exits import ExitCode
from netbench.cli.requests import is_kubernetes
from netbench.cluster import Cluster
from netbench.errors import NetbenchError
from netbench.fleet import WorkerFleet
from netbench.version import __version__

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Iterator, Sequence

    from netbench.backends.base import FindingState

__all__ = ("doctor",)

_STYLES: dict[FindingState, str] = {"ok": "green", "limited": "yellow", "missing": "red"}
_TRIAL_TIMEOUT_S = 30.0
_PROGRAM_TIMEOUT_S = 5.0
#: A UDP receiver that may buffer less than this drops bursts that a 10 Gbit/s sender makes in 2 ms.
_RECEIVE_BUFFER_BYTES = 2 * 2**20


async def doctor(arguments: argparse.Namespace) -> ExitCode:
    """Look at what the command line names, and print what was found."""
    if is_kubernetes(arguments):
        # Half a second that only those pay who connect.
        from netbench.backends.kubernetes.examination import examine  # noqa: PLC0415 - heavy

        return _show(await examine(arguments.kubeconfig, arguments.context, arguments.namespace))
    return _show(await _this_machine())


async def _this_machine() -> list[Finding]:
    """Try both kinds of local cluster for real, and look at programs and kernel."""
    # Looked for first, because opening a cluster removes them.
    left = await _leftovers()
    return [
        _python(),
        await _trial("process"),
        await _trial("netns"),
        *[finding async for finding in _programs()],
        *_kernel(),
        _pandas(),
        left,
    ]


def _show(findings: Sequence[Finding]) -> ExitCode:
    table = Table("", "subject", "found", "what to do", show_edge=False, pad_edge=False)
    for finding in findings:
        style = _STYLES[finding.state]
        table.add_row(f"[{style}]{finding.state}[/]", finding.subject, finding.detail, finding.remedy)
    Console().print(table)
    return ExitCode.HOST if any(finding.state == "missing" for finding in findings) else ExitCode.COMPLETE


def _python() -> Finding:
    detail = f"netbench {__version__}, Python {platform.python_version()}, {platform.system()} {platform.release()}"
    detail += f" on {platform.machine()}, {os.cpu_count()} processors"
    return Finding("this machine", "ok", detail)


async def _trial(isolation: Literal["process", "netns"]) -> Finding:
    """Open a cluster with two workers for real: what is allowed on paper may still be refused."""
    subject = {"process": "workers as processes", "netns": "nodes as network namespaces"}[isolation]
    try:
        with anyio.fail_after(_TRIAL_TIMEOUT_S):
            async with Cluster.local(isolation=isolation) as cluster, WorkerFleet(cluster, workers=2) as fleet:
                return Finding(subject, "ok", f"tried with {len(fleet.workers)} workers")
    except (NetbenchError, TimeoutError) as error:
        remedy = "run as root, or measure with --isolation process" if isolation == "netns" else ""
        state: FindingState = "limited" if isolation == "netns" else "missing"
        return Finding(subject, state, str(error) or "no worker was ready in time", remedy)


async def _programs() -> AsyncIterator[Finding]:
    for driver, program, package in (("iperf2", "iperf", "iperf"), ("iperf3", "iperf3", "iperf3")):
        path = shutil.which(program)
        if path is None:
            remedy = f"for --driver {driver}, install the package {package}"
            yield Finding(f"driver {driver}", "limited", f"{program} is not installed", remedy)
        else:
            yield Finding(f"driver {driver}", "ok", f"{await _version(path)} ({path})")


async def _version(path: str) -> str:
    try:
        with anyio.fail_after(_PROGRAM_TIMEOUT_S):
            done = await anyio.run_process([path, "--version"], check=False)
    except (OSError, TimeoutError) as error:
        return f"its version cannot be read: {error}"
    text = (done.stdout or done.stderr).decode(errors="replace")
    match = re.search(r"iperf (?:version )?([0-9][\w.+-]*)", text)
    return match[1] if match else text.strip().partition("\n")[0]


def _kernel() -> Iterator[Finding]:
    if sys.platform != "linux":
        yield Finding(
            "kernel", "limited", "not Linux: no namespaces, kernel stamps, TCP_INFO", "run the workers on Linux"
        )
        return
    available = _read("/proc/sys/net/ipv4/tcp_available_congestion_control")
    current = _read("/proc/sys/net/ipv4/tcp_congestion_control")
    yield Finding("congestion control", "ok", f"{current}; available: {available}")
    limit = _read("/proc/sys/net/core/rmem_max")
    if limit.isdigit() and int(limit) < _RECEIVE_BUFFER_BYTES and os.geteuid() != 0:
        remedy = f"for fast UDP: sysctl net.core.rmem_max={_RECEIVE_BUFFER_BYTES}"
        yield Finding("UDP receive buffer", "limited", f"at most {limit} bytes", remedy)
    else:
        yield Finding("UDP receive buffer", "ok", f"net.core.rmem_max is {limit}")


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return "unknown"


def _pandas() -> Finding:
    if find_spec("pandas") is None:
        return Finding("data frames", "limited", "pandas is not installed", "pip install 'netbench[pandas]'")
    return Finding("data frames", "ok", "pandas is installed")


async def _leftovers() -> Finding:
    found = await leftovers.find()
    if found:
        return Finding("leftovers", "limited", f"{len(found)} of controllers that died", "netbench cleanup")
    return Finding("leftovers", "ok", "none")
