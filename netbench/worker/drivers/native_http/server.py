"""The server's half of the HTTP driver."""

from __future__ import annotations

import errno
import socket
import threading
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from netbench.errors import DriverError
from netbench.metrics import HttpServerRecord, SideReport
from netbench.traffic import Http
from netbench.worker.drivers.base import Offer
from netbench.worker.drivers.native_http.limits import allow_open_files
from netbench.worker.drivers.native_http.serving import Serving
from netbench.worker.usage import UsageMeter

if TYPE_CHECKING:
    from netbench.clock import Window
    from netbench.metrics import Usage
    from netbench.worker.drivers.base import DriverTask

__all__ = ("HttpServer", "http_of")

_JOIN_TIMEOUT_S = 5.0


def http_of(task: DriverTask) -> Http:
    """Give the task's traffic, which is HTTP."""
    traffic = task.request.traffic
    if not isinstance(traffic, Http):
        msg = f"the HTTP driver was given {traffic.protocol} traffic"
        raise DriverError(msg, reason="internal")
    return traffic


class HttpServer:
    """Implements :class:`netbench.worker.drivers.base.ServerDriver`."""

    def __init__(self, task: DriverTask) -> None:
        self._task = task
        self._traffic = http_of(task)
        self._stop = threading.Event()
        self._stopped = anyio.Event()
        self._meter = UsageMeter()
        self._usage: Usage | None = None
        self._serving: Serving | None = None
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    async def listen(self) -> Offer:
        """Listen, and answer from now on."""
        allow_open_files(self._traffic.connections)
        host, port = self._task.listen_host, self._task.request.data_port or 0
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listener = socket.create_server((host, port), family=family, backlog=4096)
        except OSError as error:
            reason = "port-taken" if error.errno == errno.EADDRINUSE else "unreachable"
            msg = f"the TCP port {port} at {host} cannot be listened on: {error.strerror}"
            raise DriverError(msg, reason=reason) from error
        listener.setblocking(False)  # noqa: FBT003 - the standard library's name
        self._serving = Serving(listener, self._task.cookie, self._traffic.response_bytes, self._stop)
        self._thread = threading.Thread(target=self._serve, args=(self._serving,), name="http-server", daemon=True)
        self._thread.start()
        return Offer(ports=(listener.getsockname()[1],))

    async def ready(self) -> None:
        """Nothing to wait for: the client has an answer on every connection before it is ready itself."""

    async def run(self, window: Window, offset_ns: int) -> None:  # noqa: ARG002 - only the client's clock matters
        """Let the window pass; requests are answered all the time."""
        self._meter.start()
        with anyio.move_on_after(max(0.0, (window.end_ns - self._task.clock.now_ns()) / 1e9)):
            await self._stopped.wait()
        self._usage = self._meter.stop()

    def stop(self) -> None:
        """End the window; requests that are under way are still answered."""
        self._stopped.set()

    async def finish(self, client: SideReport) -> SideReport:  # noqa: ARG002 - the client has the measurement
        """Report."""
        if self._error is not None:
            msg = f"the HTTP server broke: {self._error}"
            raise DriverError(msg, reason="internal") from self._error
        if self._serving is None or self._usage is None:
            msg = "the report was asked for before the run"
            raise DriverError(msg, reason="internal")
        record = HttpServerRecord(requests=self._serving.requests, connections=self._serving.connections)
        return SideReport(records=(record,), usage=self._usage, tool="native")

    async def aclose(self) -> None:
        """End the thread and close every connection."""
        self._stop.set()
        if self._thread is not None:
            await anyio.to_thread.run_sync(self._thread.join, _JOIN_TIMEOUT_S)

    def _serve(self, serving: Serving) -> None:
        try:
            serving.serve()
        except BaseException as error:  # noqa: BLE001 - told by finish
            self._error = error
