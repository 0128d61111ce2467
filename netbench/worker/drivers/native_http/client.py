"""The client's half of the HTTP driver."""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING

import anyio

from netbench.errors import DriverError
from netbench.metrics import HttpClientRecord, IntervalSeries, SideReport
from netbench.packing import to_fit, to_two_digits
from netbench.worker.drivers.native_http.limits import allow_open_files
from netbench.worker.drivers.native_http.loading import Loading
from netbench.worker.drivers.native_http.server import http_of
from netbench.worker.drivers.native_http.wire import request
from netbench.worker.recording import Schedule, throughput_of, watch_intervals
from netbench.worker.threads import WorkThreads
from netbench.worker.usage import UsageMeter

if TYPE_CHECKING:
    from netbench.clock import Window
    from netbench.metrics import Usage
    from netbench.worker.drivers.base import DriverTask, Offer

__all__ = ("HttpClient",)


class HttpClient:
    """Implements :class:`netbench.worker.drivers.base.ClientDriver`."""

    def __init__(self, task: DriverTask) -> None:
        self._task = task
        self._traffic = http_of(task)
        self._threads = WorkThreads()
        self._meter = UsageMeter()
        self._usage: Usage | None = None
        self._loading: Loading | None = None
        self._interval = 0
        self._series = IntervalSeries(ends_ns=(), amounts=())

    async def connect(self, offer: Offer) -> None:
        """Open the connections and have one request answered on each."""
        allow_open_files(self._traffic.connections)
        host = self._task.request.server_host
        try:
            family, _, _, _, address = (await anyio.getaddrinfo(host, offer.ports[0], type=socket.SOCK_STREAM))[0]
        except OSError as error:
            msg = f"the server's address {host} is not known: {error.strerror or error}"
            raise DriverError(msg, reason="unreachable") from error
        words = request(self._traffic, host, self._task.cookie)
        self._loading = Loading(self._traffic, family, address, words, self._threads.stop)
        await self._threads.run([partial(self._loading.probe, self._task.request.arm_timeout_s)])

    async def run(self, window: Window) -> int:
        """Load the server over the window, and wait for the last answers.

        Returns:
            The instant of the first send.
        """
        loading = self._connected()
        schedule = Schedule.of(window, self._task.clock)
        self._interval = schedule.interval

        def watch() -> None:
            self._series = watch_intervals(schedule, self._threads.stop, lambda: loading.body_bytes)

        self._meter.start()
        await self._threads.run([watch, partial(loading.run, schedule)])
        self._usage = self._meter.stop()
        first = loading.first_send
        return window.end_ns if first is None else self._task.clock.at_monotonic_ns(first)

    def stop(self) -> None:
        """End soon; what was answered is kept."""
        self._threads.stop.set()

    async def finish(self) -> SideReport:
        """Report.

        Raises:
            DriverError: No request of the window was answered at all.
        """
        loading = self._connected()
        if self._usage is None:
            msg = "the report was asked for before the run"
            raise DriverError(msg, reason="internal")
        tally = loading.tally
        errors = {kind: count for kind, count in sorted(tally.errors.items()) if count}
        if not tally.responses:
            told = ", ".join(f"{kind}: {count}" for kind, count in errors.items()) or "none was due in the window"
            msg = f"no request was answered ({told})"
            raise DriverError(msg, reason="no-traffic")
        response, service, lateness = tally.histograms
        record = HttpClientRecord(
            requests=tally.responses + sum(errors.values()),
            responses=tally.responses,
            status_codes={str(status): count for status, count in sorted(tally.status_codes.items())},
            errors=errors,
            response_time=to_fit(response.data()),
            service_time=to_fit(service.data()),
            send_lateness=to_two_digits(lateness.data()),
            connections_opened=loading.opened,
            left_late=tally.left_late,
            asked_rps=self._traffic.rate_rps,
            received_bytes=tally.received_bytes,
            sent_bytes=tally.responses * self._traffic.request_bytes,
            series=self._series,
            throughput=throughput_of(self._series, self._interval),
        )
        return SideReport(records=(record,), usage=self._usage, tool="native")

    async def aclose(self) -> None:
        """End the threads and close the connections."""
        await self._threads.aclose()
        if self._loading is not None:
            self._loading.close()

    def _connected(self) -> Loading:
        if self._loading is None:
            msg = "the client was not connected"
            raise DriverError(msg, reason="internal")
        return self._loading
