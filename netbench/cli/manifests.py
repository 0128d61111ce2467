"""``netbench manifests``: what an administrator may look at and apply."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from netbench.backends.kubernetes.manifests import manifest
from netbench.cli.exits import ExitCode

if TYPE_CHECKING:
    import argparse

    from netbench.backends.kubernetes.manifests import Part

__all__ = ("manifests",)


def manifests(arguments: argparse.Namespace) -> ExitCode:
    """Print the parts that were asked for, as one YAML stream."""
    parts: tuple[Part, ...] = (arguments.only,) if arguments.only else ("crd", "role")
    sys.stdout.write("---\n".join(manifest(part, arguments.namespace) for part in parts))
    return ExitCode.COMPLETE
