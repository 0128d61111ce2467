"""Capture the datagrams to a port, as a process of its own: prints the kernel's stamps when its standard input closes.

The kernel writes what it captures into one ring of memory, and nobody is woken for it before the end. A capture that
takes each datagram as it comes wants a processor of its own, makes each send wake two processes, and keeps the kernel's
buffers, so that it captures mostly its own work.

Packets of `socket(7)`'s ``AF_PACKET`` family with ``TPACKET_V2``; see packet(7) and the kernel's packet_mmap.rst.
"""

from __future__ import annotations

import json
import mmap
import socket
import struct
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("main",)

_SOL_PACKET, _PACKET_RX_RING, _PACKET_STATISTICS, _PACKET_VERSION, _TPACKET_V2 = 263, 5, 6, 10, 1
_SO_TIMESTAMPNS, _ETH_P_IP, _UDP = 35, 0x0800, 17
#: A frame has room for its header, an IPv4 and a UDP header; the ring for 20 seconds of 50,000 datagrams each.
_FRAME_BYTES, _FRAMES, _BLOCK_BYTES = 128, 2**20, 2**20
_HEADER = struct.Struct("=IIIHHII")
_TAKEN = 1


def main(port: int, payload_bytes: int) -> None:
    """Capture until the end of standard input, then print the stamps in nanoseconds as a JSON list."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP)) as capture:
        capture.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V2)
        # As a packet comes in, whether or not its receiver asks for that too.
        capture.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        size = _FRAMES * _FRAME_BYTES
        layout = struct.pack("=IIII", _BLOCK_BYTES, size // _BLOCK_BYTES, _FRAME_BYTES, _FRAMES)
        capture.setsockopt(_SOL_PACKET, _PACKET_RX_RING, layout)
        with mmap.mmap(capture.fileno(), size) as ring:
            print("ready", flush=True)
            sys.stdin.read()
            _, missed = struct.unpack("=II", capture.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
            if missed:
                sys.exit(f"{missed} packets found no room in the capture's ring")
            print(json.dumps(list(_stamps(ring, port, payload_bytes))))


def _stamps(ring: mmap.mmap, port: int, payload_bytes: int) -> Iterator[int]:
    for start in range(0, len(ring), _FRAME_BYTES):
        status, _, _, _, network, seconds, nanoseconds = _HEADER.unpack_from(ring, start)
        if not status & _TAKEN:
            return
        protocol = ring[start + network + 9]
        to, length = struct.unpack_from("!HH", ring, start + network + 22)
        if (protocol, to, length) == (_UDP, port, payload_bytes + 8):
            yield seconds * 10**9 + nanoseconds


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
