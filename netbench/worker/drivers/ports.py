"""Ports for programs that cannot be handed a socket: found free, and seen to be listened on."""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import ExitStack

from netbench.errors import DriverError
from netbench.worker.procfs import read_file

__all__ = ("choose_port", "is_open")

_ATTEMPTS = 20
_TCP_LISTEN = "0A"
_BASE = 16


def choose_port(host: str, wanted: int | None) -> int:
    """Give the wanted port, or one that is free now, for TCP and UDP both.

    Raises:
        DriverError: The wanted port is taken, or none is free.
    """
    for _ in range(_ATTEMPTS):
        try:
            return _try(host, wanted or 0)
        except OSError as error:
            if wanted is not None:
                reason = "port-taken" if error.errno == errno.EADDRINUSE else "unreachable"
                msg = f"the port {wanted} at {host} cannot be used: {error.strerror}"
                raise DriverError(msg, reason=reason) from error
    msg = f"no free port was found at {host}"
    raise DriverError(msg, reason="port-taken")


def _try(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind((host, port))
        found = int(tcp.getsockname()[1])
        # Taken by a listener is found out only by listening, for SO_REUSEADDR binds beside one.
        tcp.listen()
        udp = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        udp.bind((host, found))
        return found


def is_open(port: int, kind: str) -> bool:
    """Whether some socket of this network namespace listens on the port.

    Args:
        port: The port.
        kind: ``tcp`` or ``udp``.

    Raises:
        DriverError: The system does not tell.
    """
    if sys.platform != "linux":
        msg = "the iperf drivers need workers on Linux, for /proc/net says when their servers listen"
        raise DriverError(msg, reason="unsupported")
    for table in (kind, f"{kind}6"):
        try:
            lines = read_file(f"/proc/net/{table}").splitlines()
        except FileNotFoundError:
            continue
        for line in lines[1:]:
            _, local, _, state, *_ = line.split()
            if int(local.rpartition(":")[2], _BASE) == port and (kind == "udp" or state == _TCP_LISTEN):
                return True
    return False
