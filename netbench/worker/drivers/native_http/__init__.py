"""HTTP/1.1 by an event loop over plain sockets, one thread on each side."""

from netbench.worker.drivers.native_http.client import HttpClient
from netbench.worker.drivers.native_http.server import HttpServer

__all__ = ("HttpClient", "HttpServer")
