"""The programs that the lab runs: what is missing, and running one to its end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ("PACKAGES", "LabError", "missing", "run")

#: Each program with the Debian package that holds it; Go from 1.24 on comes from elsewhere.
PACKAGES = {
    "buildah": "buildah",
    "conntrack": "conntrack",
    "containerd": "containerd",
    "ctr": "containerd",
    "debootstrap": "debootstrap",
    "go": "golang-go",
    "ip": "iproute2",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "openssl": "openssl",
    "runc": "runc",
    "sysctl": "procps",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
}


class LabError(Exception):
    """The lab cannot do what it was asked to; says what, and what to do."""


def missing() -> str | None:
    """Say what this machine lacks; None where it lacks nothing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "the Kubernetes lab needs Linux and root"
    lacking = [program for program in PACKAGES if shutil.which(program) is None]
    if lacking:
        packages = sorted({PACKAGES[program] for program in lacking})
        return f"the Kubernetes lab lacks {', '.join(lacking)}: apt-get install {' '.join(packages)}"
    return None


def run(
    command: Sequence[str], *, timeout_s: float = 60, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> str:
    """Run a program to its end and give what it printed.

    Raises:
        LabError: It failed; the message has its last words.
    """
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env={**os.environ, **env} if env else None,
            cwd=cwd,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        msg = f"{' '.join(command)}: {error}"
        raise LabError(msg) from error
    if done.returncode:
        words = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        msg = f"{' '.join(command)} failed with exit code {done.returncode}:\n{words}"
        raise LabError(msg)
    return done.stdout
