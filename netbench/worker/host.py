"""Facts about the machine or pod that a worker runs in."""

from __future__ import annotations

import array
import os
import platform
import socket
import struct
from pathlib import Path

from netbench.messages import HostFacts
from netbench.version import __version__

__all__ = ("host_facts", "processors")

# linux/sockios.h and linux/ethtool.h
_SIOCGIFCONF = 0x8912
_SIOCGIFMTU = 0x8921
_SIOCETHTOOL = 0x8946
_ETHTOOL_QUERIES = {"rx-checksum": 0x14, "tx-checksum": 0x16, "tso": 0x1E, "gso": 0x23, "gro": 0x2B}
_IFREQ = struct.Struct("16s24s")


def host_facts(address: str) -> HostFacts:
    """Gather the facts; ``address`` names the interface that carries the traffic. What cannot be read is None."""
    interface = _interface_of(address)
    return HostFacts(
        hostname=socket.gethostname(),
        kernel=f"{platform.system()} {platform.release()}",
        machine=platform.machine(),
        cpu_count=processors(),
        python=platform.python_version(),
        netbench=__version__,
        congestion=_congestion(),
        interface=interface,
        mtu=_mtu(interface) if interface else None,
        offloads=_offloads(interface) if interface else None,
    )


def processors() -> int:
    """Count the processors that this process may run on; a CPU limit's quota does not count."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _congestion() -> str | None:
    try:
        return Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip() or None
    except OSError:
        return None


def _interface_of(address: str) -> str | None:
    # The list of SIOCGIFCONF has an interface's further addresses too, which SIOCGIFADDR leaves out.
    wanted = _ipv4(address)
    if platform.system() != "Linux" or wanted is None:
        return None
    import fcntl  # noqa: PLC0415 - not on every system

    buffer = array.array("B", bytes(_IFREQ.size * 256))
    start, _ = buffer.buffer_info()
    request = bytearray(struct.pack("iP", len(buffer), start))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            fcntl.ioctl(probe, _SIOCGIFCONF, request)
        except OSError:
            return None
    length, _ = struct.unpack("iP", request)
    for name, data in _IFREQ.iter_unpack(buffer.tobytes()[:length]):
        if data[4:8] == wanted:
            return str(name.rstrip(b"\0").decode().partition(":")[0])
    # Every address of 127.0.0.0/8 is the loopback's.
    return "lo" if wanted[0] == 127 else None  # noqa: PLR2004 - 127.0.0.0/8


def _ipv4(address: str) -> bytes | None:
    try:
        return socket.inet_aton(address)
    except OSError:
        return None


def _mtu(interface: str) -> int | None:
    import fcntl  # noqa: PLC0415 - not on every system

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe, _SIOCGIFMTU, _IFREQ.pack(interface.encode(), b""))
        except OSError:
            return None
    return int(struct.unpack_from("i", answer, 16)[0])


def _offloads(interface: str) -> dict[str, bool] | None:
    import fcntl  # noqa: PLC0415 - not on every system

    found: dict[str, bool] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for name, command in _ETHTOOL_QUERIES.items():
            value = array.array("I", [command, 0])
            pointer, _ = value.buffer_info()
            try:
                fcntl.ioctl(probe, _SIOCETHTOOL, struct.pack("16sP16x", interface.encode(), pointer))
            except OSError:
                continue
            found[name] = bool(value[1])
    return found or None
