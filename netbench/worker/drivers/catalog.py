"""Which drivers this worker can run, and how one is made for a request."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from netbench.errors import DriverError
from netbench.worker.drivers.external import find_programs

if TYPE_CHECKING:
    from netbench.worker.drivers.base import ClientDriver, DriverTask, ServerDriver

__all__ = ("available_drivers", "make_client", "make_server")

#: (driver, protocol) -> module and the prefix of its two classes. Modules are loaded when they are first needed.
_DRIVERS = {
    ("native", "tcp"): ("native_tcp", "Tcp"),
    ("native", "udp"): ("native_udp", "Udp"),
    ("native", "http"): ("native_http", "Http"),
    ("iperf2", "tcp"): ("iperf2", "Iperf2"),
    ("iperf2", "udp"): ("iperf2", "Iperf2"),
    ("iperf3", "tcp"): ("iperf3", "Iperf3"),
    ("iperf3", "udp"): ("iperf3", "Iperf3"),
}


def available_drivers() -> dict[str, str]:
    """Give each driver that can run here, with the path of its program (``""`` for the native one)."""
    return {"native": "", **find_programs()}


def make_client(task: DriverTask) -> ClientDriver:
    """Make the client's half.

    Raises:
        DriverError: The driver cannot send this traffic.
    """
    made: ClientDriver = _load(task, "Client")(task)
    return made


def make_server(task: DriverTask) -> ServerDriver:
    """Make the server's half.

    Raises:
        DriverError: The driver cannot receive this traffic.
    """
    made: ServerDriver = _load(task, "Server")(task)
    return made


def _load(task: DriverTask, half: str) -> Any:  # noqa: ANN401 - one of the classes in the table
    driver, protocol = task.request.driver, task.request.traffic.protocol
    if (driver, protocol) not in _DRIVERS:
        able = sorted(name for name, known in _DRIVERS if known == protocol)
        msg = f"the driver {driver!r} cannot send {protocol.upper()}; {', '.join(able)} can"
        raise DriverError(msg, reason="unsupported")
    module, prefix = _DRIVERS[driver, protocol]
    return getattr(import_module(f"netbench.worker.drivers.{module}"), prefix + half)
