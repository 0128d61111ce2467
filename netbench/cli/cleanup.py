"""``netbench cleanup``: remove what controllers that died left behind."""

from __future__ import annotations

from rich.console import Console

from netbench.backends.local import leftovers
from netbench.cli.exits import ExitCode

__all__ = ("cleanup",)


async def cleanup() -> ExitCode:
    """Remove leftovers and say what they were.

    Raises:
        NetbenchError: Something could not be removed.
    """
    console = Console()
    removed = await leftovers.remove()
    for leftover in removed:
        console.print(f"removed {leftover}", markup=False, highlight=False)
    if not removed:
        console.print("nothing to remove")
    return ExitCode.COMPLETE
