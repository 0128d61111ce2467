"""What the kernel says of one TCP connection (Linux, ``TCP_INFO``)."""

from __future__ import annotations

import socket
import struct
import sys
from pathlib import Path

import attrs

from netbench.errors import DriverError

__all__ = ("TcpInfo", "congestion_of", "read_tcp_info", "set_congestion")

#: Linux's number; Python names it only where the C library did when it was built.
_TCP_INFO = 11
_TCP_CONGESTION = 13
#: Offsets into ``struct tcp_info`` (include/uapi/linux/tcp.h), which only ever grew at its end.
_SND_MSS, _RTT_US, _SND_CWND, _TOTAL_RETRANS = 16, 68, 80, 100
_LENGTH = 104
_NAME_BYTES = 16


@attrs.frozen(kw_only=True)
class TcpInfo:
    """A sending connection at one moment.

    Attributes:
        rtt_ns: Smoothed round-trip time.
        congestion_window_bytes: Segments of the congestion window times the segment size.
        retransmits: Segments sent again since the connection began.
    """

    rtt_ns: int
    congestion_window_bytes: int
    retransmits: int


def read_tcp_info(connection: socket.socket) -> TcpInfo | None:
    """Ask the kernel; None where it does not tell, or the connection is gone."""
    if sys.platform != "linux":
        return None
    try:
        raw = connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _LENGTH)
    except OSError:
        return None
    return parse_tcp_info(raw)


def parse_tcp_info(raw: bytes) -> TcpInfo | None:
    """Read ``struct tcp_info``; None where an older kernel's is too short."""
    if len(raw) < _LENGTH:
        return None
    mss, rtt_us, cwnd, retransmits = (
        struct.unpack_from("=I", raw, offset)[0] for offset in (_SND_MSS, _RTT_US, _SND_CWND, _TOTAL_RETRANS)
    )
    return TcpInfo(rtt_ns=rtt_us * 1000, congestion_window_bytes=cwnd * mss, retransmits=retransmits)


def congestion_of(connection: socket.socket) -> str | None:
    """Give the congestion control algorithm in use; None where the system does not tell."""
    if sys.platform != "linux":
        return None
    try:
        raw = connection.getsockopt(socket.IPPROTO_TCP, _TCP_CONGESTION, _NAME_BYTES)
    except OSError:
        return None
    return raw.split(b"\0", 1)[0].decode("ascii", errors="replace") or None


def set_congestion(connection: socket.socket, algorithm: str) -> None:
    """Choose the congestion control algorithm.

    Raises:
        DriverError: This system does not have it, or does not let this process choose it.
    """
    if sys.platform != "linux":
        msg = f"Tcp(congestion={algorithm!r}) needs a worker on Linux"
        raise DriverError(msg, reason="unsupported")
    try:
        connection.setsockopt(socket.IPPROTO_TCP, _TCP_CONGESTION, algorithm.encode())
    except OSError as error:
        try:
            available = Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text(encoding="ascii").strip()
        except OSError:
            available = "unknown"
        msg = f"Tcp(congestion={algorithm!r}) cannot be had here ({error.strerror}); available: {available}"
        raise DriverError(msg, reason="unsupported") from error
