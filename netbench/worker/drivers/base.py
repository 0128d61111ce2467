"""What a traffic driver is: the two halves that the peer session arms, fires, stops and asks for a report.

The order of calls, client on the left, server on the right::

                              listen() -> Offer
    connect(offer)            ready()                   all data connections open and proved
    ---------------- clocks are compared, the start instant is published ----------------
    run(window)               run(window, offset_ns)    both at once, each on its own clock
    finish() -> SideReport
                              finish(client's report) -> SideReport
    aclose()                  aclose()                  always, also after a failure or cancellation

``stop()`` may come at any time from the event loop's thread; it makes ``run`` return soon with what was measured.
Blocking work runs in threads of the driver's own, which end when ``aclose`` returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

from netbench.worker.strangers import Strangers

if TYPE_CHECKING:
    from netbench.clock import Window
    from netbench.messages import PairRequest
    from netbench.metrics import SideReport
    from netbench.worker.timing import WorkerClock

__all__ = ("COOKIE_BYTES", "ClientDriver", "DriverTask", "Offer", "ServerDriver")

COOKIE_BYTES = 16


@attrs.frozen(kw_only=True)
class DriverTask:
    """What a driver is told when it is made.

    Attributes:
        request: What to measure.
        cookie: Secret of this session, :data:`COOKIE_BYTES` long. Data that does not carry it is dropped.
        clock: The worker's clock.
        listen_host: The address that a server's data sockets bind to; the wildcard where traffic may come in
            under another address than the worker's own.
        program: Path of the external program, where the driver needs one.
        strangers: Where connections are counted that do not show the cookie.
    """

    request: PairRequest
    cookie: bytes = attrs.field(repr=False)
    clock: WorkerClock
    listen_host: str = "0.0.0.0"  # noqa: S104 - a pod is reached under addresses that it does not know
    program: str = ""
    strangers: Strangers = attrs.field(factory=Strangers, repr=False)


@attrs.frozen(kw_only=True)
class Offer:
    """Where a server driver listens.

    Attributes:
        ports: Ports of its data sockets at the request's ``server_host``.
    """

    ports: tuple[int, ...]


class ServerDriver(Protocol):
    """The server's half. Every method may raise :class:`netbench.errors.DriverError`."""

    async def listen(self) -> Offer:
        """Open the data sockets (or start the program) and say where."""
        ...

    async def ready(self) -> None:
        """Wait until every data connection of the client is here; called while the client connects."""
        ...

    async def run(self, window: Window, offset_ns: int) -> None:
        """Serve the window, given on this worker's clock, until it has ended on both sides.

        ``offset_ns`` is this worker's clock less the client's.
        """
        ...

    def stop(self) -> None:
        """Make ``run`` end soon and keep what was measured."""
        ...

    async def finish(self, client: SideReport) -> SideReport:
        """Take what is still on its way, knowing what the client sent, and report."""
        ...

    async def aclose(self) -> None:
        """Close every socket, end every thread and program."""
        ...


class ClientDriver(Protocol):
    """The client's half. Every method may raise :class:`netbench.errors.DriverError`."""

    async def connect(self, offer: Offer) -> None:
        """Open the data connections, so that nothing but sending is left for the start instant."""
        ...

    async def run(self, window: Window) -> int:
        """Send over the window, given on this worker's clock.

        Returns:
            The instant of the first send, on this worker's clock.
        """
        ...

    def stop(self) -> None:
        """Make ``run`` end soon and keep what was measured."""
        ...

    async def finish(self) -> SideReport:
        """Report what this side saw."""
        ...

    async def aclose(self) -> None:
        """Close every socket, end every thread and program."""
        ...
