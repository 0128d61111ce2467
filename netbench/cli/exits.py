"""Exit codes of the command line."""

from __future__ import annotations

from enum import IntEnum

__all__ = ("ExitCode",)


class ExitCode(IntEnum):
    """What the command's exit code means.

    Attributes:
        COMPLETE: Every pair has a result, or the command did all it was asked to.
        FAULT: A fault of netbench itself.
        MISUSE: The command line is wrong; nothing was started.
        INCOMPLETE: A pair failed; the others' results were printed.
        HOST: This machine lacks something, or the cluster failed as a whole.
        INTERRUPTED: Ctrl-C or SIGTERM; what was measured so far was printed, of a plan what had been gathered.
    """

    COMPLETE = 0
    FAULT = 1
    MISUSE = 2
    INCOMPLETE = 3
    HOST = 4
    INTERRUPTED = 130
