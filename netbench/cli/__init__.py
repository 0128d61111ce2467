"""The command line. Each command is a thin layer over the public API."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, NoReturn

from netbench.cli.exits import ExitCode
from netbench.cli.parser import make_parser
from netbench.errors import BackendError, HostError, NetbenchError, UsageError, innermost

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

__all__ = ("console", "main")


def console() -> NoReturn:
    """Be the command ``netbench``: run :func:`main`, and exit with its code."""
    code = main()
    # What a command has loaded is looked through for garbage at the exit, some 0.1 s, to be dropped whole then.
    gc.freeze()
    sys.exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``netbench`` with these arguments and give its exit code, see :class:`netbench.cli.exits.ExitCode`."""
    arguments = make_parser().parse_args(argv)
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception as error:
        # A task group may have wrapped it.
        cause = innermost(error)
        if not isinstance(cause, NetbenchError):
            raise
        for words in (f"netbench: {cause}", *getattr(cause, "__notes__", ())):
            print(words, file=sys.stderr)  # noqa: T201 - this is the command line
        return _exit_code(cause)


def _run(arguments: argparse.Namespace) -> ExitCode:  # noqa: PLR0911 - one for each command
    # Each command is loaded when it is asked for: --help answers at once.
    import anyio

    if arguments.command == "measure":
        from netbench.cli.measure import measure

        return anyio.run(measure, arguments)
    if arguments.command == "search":
        from netbench.cli.search import search

        return anyio.run(search, arguments)
    if arguments.command == "run":
        from netbench.cli.run import run

        return anyio.run(run, arguments)
    if arguments.command == "plan":
        from netbench.cli.plan import plan

        return plan(arguments)
    if arguments.command == "doctor":
        from netbench.cli.doctor import doctor

        return anyio.run(doctor, arguments)
    if arguments.command == "manifests":
        from netbench.cli.manifests import manifests

        return manifests(arguments)
    from netbench.cli.cleanup import cleanup

    return anyio.run(cleanup, arguments)


def _exit_code(error: NetbenchError) -> ExitCode:
    if isinstance(error, UsageError):
        return ExitCode.MISUSE
    if isinstance(error, HostError | BackendError):
        return ExitCode.HOST
    return ExitCode.FAULT
