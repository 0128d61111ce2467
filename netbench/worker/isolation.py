"""What a worker process does to itself before it serves: enter a network namespace, and die with its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from netbench.errors import MissingFeatureError, MissingPermissionError

__all__ = ("die_with_parent", "enter_network_namespace")

_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1


def enter_network_namespace(path: str) -> None:
    """Move this thread, and every thread started later, into the network namespace at this path (setns(2)).

    Raises:
        MissingFeatureError: This is not Linux.
        MissingPermissionError: The kernel refused.
    """
    if sys.platform != "linux":
        msg = "network namespaces exist on Linux only"
        raise MissingFeatureError(msg)
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        msg = f"the network namespace {path} cannot be opened: {error.strerror}"
        raise MissingPermissionError(msg) from error
    try:
        if libc.setns(descriptor, _CLONE_NEWNET) != 0:
            msg = f"the network namespace {path} cannot be entered: {os.strerror(ctypes.get_errno())} (CAP_SYS_ADMIN?)"
            raise MissingPermissionError(msg)
    finally:
        os.close(descriptor)


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends, even while it is stopped (prctl(2)).

    Where there is no prctl, the closed control connection ends the worker instead.

    Args:
        parent: The process id that the parent had when it started this process.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # The parent ended before the kernel was asked.
        sys.exit(1)
