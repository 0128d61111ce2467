"""Where the command line's plans are read from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from netbench.errors import UsageError
from netbench.runner import PlanSources

if TYPE_CHECKING:
    import argparse

__all__ = ("LOCAL_NODES", "sources_from")

#: Nodes of a local cluster, and of a preview, where nothing else is said.
LOCAL_NODES = 2


def sources_from(arguments: argparse.Namespace, nodes: int | None) -> PlanSources:
    """Give what a plan is read from.

    Raises:
        UsageError: No file is named, or the number of nodes is none.
    """
    files = (*arguments.file, *arguments.testconfig, *arguments.testsuite)
    if not files:
        msg = "no plan is named: netbench run FILE, where FILE is a config or a suite"
        raise UsageError(msg)
    if nodes is not None and nodes < 1:
        msg = f"--nodes must be at least 1, not {nodes}"
        raise UsageError(msg)
    return PlanSources(
        files=files,
        overrides=tuple(arguments.override),
        environment=dict(os.environ),
        assignments=tuple(arguments.assign),
        nodes=nodes,
        image_registry=arguments.image_registry,
    )
