"""TCP by blocking sockets, one thread for each stream and direction."""

from netbench.worker.drivers.native_tcp.client import TcpClient
from netbench.worker.drivers.native_tcp.server import TcpServer

__all__ = ("TcpClient", "TcpServer")
