"""P4: HTTP requests each second from one client core, with nginx as the server, beside wrk, h2load and siege."""

from __future__ import annotations

import json
import re
import resource
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import netbench as nb
from tests.bench.harness import compared, inside, interleaved, output_of
from tests.bench.tcp import serving

if TYPE_CHECKING:
    from netbench.topology import Worker
    from tests.bench.harness import Line, Options

_PORT = 8088
_BODY_BYTES = 1024
_CONNECTIONS = (1, 16, 64)
_CLIENT_CORE, _SERVER_CORE = "0", "1"
#: netbench's requests say to which session they belong; the peers' are as long.
_SESSION = f"x-netbench-session: {'0' * 32}"
#: About what siege reaches, for runs of about as long as the others'.
_SIEGE_RPS = 10_000
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


async def run(options: Options) -> list[Line]:
    """Compare 1, 16 and 64 connections."""
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="bench-nginx-") as directory:
        config = _nginx(Path(directory))
        siege = _siege_home(Path(directory))
        async with nb.Cluster.local(nodes=2, isolation="netns") as cluster, nb.WorkerFleet(cluster, workers=2) as fleet:
            client, server = fleet.workers
            nginx = [options.program("nginx"), "-c", str(config), "-p", directory]
            async with serving(inside(server, "taskset", "-c", _SERVER_CORE, *nginx)):
                for connections in _CONNECTIONS:
                    found = await interleaved(
                        {
                            "netbench": partial(_engine, client, server, connections, options),
                            "wrk": partial(_wrk, client, server, connections, options),
                            "h2load": partial(_h2load, client, server, connections, options),
                            "siege": partial(_siege, siege, client, server, connections, options),
                            "product": partial(_product, fleet, connections, options),
                        },
                        options,
                    )
                    number = f"{connections} connection{'s' if connections > 1 else ''}"
                    name = f"P4 HTTP, {number}"
                    lines.append(compared(f"{name}, nginx, k/s", found, "k/s", peer="wrk", least=0.95))
                    lines += [compared(f"{name}, nginx, k/s", found, "k/s", peer=each) for each in ("h2load", "siege")]
                    cpu = "CPU us/request"
                    lines.append(compared(f"P8 HTTP, {number}, nginx, {cpu}", found, cpu, peer="wrk"))
                    lines.append(compared(f"{name}, rate x mean / connections", found, "little", least=0.99, most=1.01))
                    lines.append(compared(f"{name}, wrk's own rate x mean / connections", found, "little", ours="wrk"))
                    lines.append(compared(f"{name}, netbench's own server, k/s", found, "k/s", ours="product"))
    return lines


def _nginx(directory: Path) -> Path:
    (directory / "body").write_bytes(b"x" * _BODY_BYTES)
    config = directory / "nginx.conf"
    config.write_text(
        f"daemon off; worker_processes 1; pid {directory}/pid; error_log /dev/null; user root;\n"
        "events { worker_connections 1024; }\n"
        "http { access_log off; keepalive_requests 1000000000; sendfile on; tcp_nopush on;\n"
        "  open_file_cache max=10;\n"
        f"  server {{ listen {_PORT}; location / {{ root {directory}; try_files /body =404; }} }}\n"
        "}\n"
    )
    return config


def _siege_home(directory: Path) -> Path:
    """Give a home with siege's settings; in the user's own it would leave its own."""
    settings = directory / ".siege" / "siege.conf"
    settings.parent.mkdir()
    words = ("connection = keep-alive", "benchmark = true", "json_output = true", "verbose = false", "parser = false")
    settings.write_text("\n".join((*words, "logging = false", "limit = 255", "")))
    return directory


async def _engine(client: Worker, server: Worker, connections: int, options: Options) -> dict[str, float]:
    words = [server.address, str(_PORT), str(connections), f"{options.duration_s:.0f}"]
    command = ["taskset", "-c", _CLIENT_CORE, sys.executable, "-m", "tests.bench.http_engine", *words]
    data = json.loads(await output_of(inside(client, *command)))
    assert not data["errors"]
    rate = data["requests"] / round(options.duration_s)
    return {
        "k/s": rate / 1e3,
        "little": rate * data["mean_s"] / connections,
        "CPU us/request": data["cpu_s"] / data["requests"] * 1e6,
    }


async def _wrk(client: Worker, server: Worker, connections: int, options: Options) -> dict[str, float]:
    words = ["-t", "1", "-c", str(connections), "-d", f"{options.duration_s:.0f}s", "-H", _SESSION]
    command = [options.program("wrk"), *words, f"http://{server.address}:{_PORT}/"]
    cpu_s = _children_cpu_s()
    text = await output_of(inside(client, "taskset", "-c", _CLIENT_CORE, *command))
    cpu_s = _children_cpu_s() - cpu_s
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    latency = re.search(r"Latency\s+([\d.]+)(us|ms|s)", text)
    requests = re.search(r"(\d+) requests in", text)
    assert rate is not None
    assert latency is not None
    assert requests is not None
    assert "Non-2xx" not in text
    mean_s = float(latency[1]) * _UNITS[latency[2]]
    return {
        "k/s": float(rate[1]) / 1e3,
        "little": float(rate[1]) * mean_s / connections,
        "CPU us/request": cpu_s / int(requests[1]) * 1e6,
    }


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _h2load(client: Worker, server: Worker, connections: int, options: Options) -> dict[str, float]:
    words = ["--h1", "-t", "1", "-c", str(connections), "-D", f"{options.duration_s:.0f}", "-H", _SESSION]
    command = [options.program("h2load"), *words, f"http://{server.address}:{_PORT}/"]
    text = await output_of(inside(client, "taskset", "-c", _CLIENT_CORE, *command))
    rate = re.search(r"([\d.]+) req/s", text)
    assert rate is not None
    return {"k/s": float(rate[1]) / 1e3}


async def _siege(home: Path, client: Worker, server: Worker, connections: int, options: Options) -> dict[str, float]:
    # So many each and not so long: at the end of its time it may hang.
    each = round(options.duration_s * _SIEGE_RPS / connections)
    words = ["-c", str(connections), "-r", str(each), "-H", _SESSION]
    command = ["env", f"HOME={home}", options.program("siege"), *words, f"http://{server.address}:{_PORT}/"]
    text = await output_of(inside(client, "taskset", "-c", _CLIENT_CORE, *command))
    data = json.loads(text[text.index("{") :])
    assert data["successful_transactions"] == data["transactions"] == each * connections
    assert data["failed_transactions"] == 0
    return {"k/s": data["transaction_rate"] / 1e3}


async def _product(fleet: nb.WorkerFleet, connections: int, options: Options) -> dict[str, float]:
    result = await nb.Measurement(nb.Http(connections=connections), duration_s=options.duration_s).run(
        fleet, nb.CrossNode()
    )
    result.raise_if_incomplete()
    assert result.total_requests_per_s is not None
    return {"k/s": result.total_requests_per_s / 1e3}
