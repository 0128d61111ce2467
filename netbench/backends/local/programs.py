"""Running this system's own small programs: ip, tc, ps."""

from __future__ import annotations

import os
import shutil
import subprocess

import anyio

from netbench.errors import BackendError, MissingPermissionError, MissingProgramError

__all__ = ("find", "run")

#: Where they live on systems that leave these out of a user's PATH.
_SYSTEM_PATHS = "/usr/sbin:/sbin"
_TIMEOUT_S = 20.0


def find(program: str, package: str) -> str:
    """Give the program's path.

    Raises:
        MissingProgramError: It is not installed.
    """
    path = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:{_SYSTEM_PATHS}")
    if path is None:
        raise MissingProgramError(program, package)
    return path


async def run(command: list[str], *, words: str = "", timeout_s: float = _TIMEOUT_S) -> str:
    """Run a program to its end and give what it printed.

    Args:
        command: The program and its arguments.
        words: What it reads from standard input.
        timeout_s: How long it may take.

    Raises:
        MissingPermissionError: It says that something is not permitted.
        BackendError: It failed in another way, or took too long.
    """
    shown = " ".join(command)
    try:
        with anyio.fail_after(timeout_s):
            done = await anyio.run_process(
                command, input=words.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False
            )
    except TimeoutError as error:
        msg = f"{shown!r} did not end within {timeout_s:g} s"
        raise BackendError(msg) from error
    except OSError as error:
        msg = f"{shown!r} cannot be started: {error.strerror}"
        raise BackendError(msg) from error
    if done.returncode != 0:
        complaint = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
        msg = f"{shown!r} failed: {complaint}"
        refused = "not permitted" in complaint or "ermission denied" in complaint
        raise MissingPermissionError(msg) if refused else BackendError(msg)
    return done.stdout.decode(errors="replace")
