"""The whole cluster, and holding one of its programs back."""

from __future__ import annotations

import os
import signal
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from tests.e2e.lab.binaries import kube_binary
from tests.e2e.lab.certificates import ADMIN_KUBECONFIG, make_certificates, write_kubeconfigs
from tests.e2e.lab.control_plane import control_plane
from tests.e2e.lab.images import image_archives
from tests.e2e.lab.layout import RUN, nodes
from tests.e2e.lab.network import make_network
from tests.e2e.lab.node import node
from tests.e2e.lab.processes import hold_file, pid_file
from tests.e2e.lab.programs import LabError, missing
from tests.e2e.lab.sweep import sweep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

__all__ = ("held", "lab")


@asynccontextmanager
async def lab(node_count: int = 2) -> AsyncIterator[Path]:
    """Run a cluster, and give the administrator's kubeconfig; everything is removed at the end.

    Raises:
        LabError: This machine lacks something, or a part did not become ready.
    """
    lacking = missing()
    if lacking is not None:
        raise LabError(lacking)
    kube = await anyio.to_thread.run_sync(kube_binary)
    archives = await anyio.to_thread.run_sync(image_archives)
    await anyio.to_thread.run_sync(sweep)
    layouts = nodes(node_count)
    try:
        RUN.mkdir(mode=0o755)
        make_certificates()
        write_kubeconfigs(layouts)
        make_network(layouts)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(control_plane(kube))
            for layout in layouts:
                await stack.enter_async_context(node(layout, kube, archives))
            yield ADMIN_KUBECONFIG
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(sweep)


@asynccontextmanager
async def held(name: str, number: signal.Signals = signal.SIGKILL) -> AsyncIterator[None]:
    """End one of the lab's programs and keep it away for as long as the context lasts."""
    hold_file(name).touch()
    try:
        with suppress(ProcessLookupError, FileNotFoundError):
            os.kill(int(pid_file(name).read_text()), number)
        with anyio.fail_after(10):
            while pid_file(name).exists():
                await anyio.sleep(0.05)
        yield
    finally:
        hold_file(name).unlink(missing_ok=True)
        with anyio.CancelScope(shield=True), anyio.move_on_after(10):
            while not pid_file(name).exists():
                await anyio.sleep(0.05)
