"""UDP by batched system calls, with kernel receive stamps, one receiving thread for each stream."""

from netbench.worker.drivers.native_udp.client import UdpClient
from netbench.worker.drivers.native_udp.server import UdpServer

__all__ = ("UdpClient", "UdpServer")
