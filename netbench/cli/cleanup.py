"""``netbench cleanup``: remove what controllers that died left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from netbench.backends.local import leftovers
from netbench.cli.exits import ExitCode
from netbench.cli.requests import is_kubernetes

if TYPE_CHECKING:
    import argparse

__all__ = ("cleanup",)


async def cleanup(arguments: argparse.Namespace) -> ExitCode:
    """Remove leftovers and say what they were.

    Raises:
        NetbenchError: Something could not be removed.
    """
    console = Console()
    if is_kubernetes(arguments):
        # Half a second that only those pay who connect.
        from netbench.backends.kubernetes.cleaning import clean  # noqa: PLC0415 - heavy

        removed = await clean(arguments.kubeconfig, arguments.context, arguments.namespace)
    else:
        removed = [str(leftover) for leftover in await leftovers.remove()]
    for leftover in removed:
        console.print(f"removed {leftover}", markup=False, highlight=False)
    if not removed:
        console.print("nothing to remove")
    return ExitCode.COMPLETE
