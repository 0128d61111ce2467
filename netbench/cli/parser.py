"""The command line's grammar."""

from __future__ import annotations

import argparse

from netbench.cli.quantities import byte_count, duration_s, rate, whole_number
from netbench.version import __version__

__all__ = ("PAIRINGS", "TRAFFIC_OPTIONS", "make_parser")

PAIRINGS = ("cross-node", "same-node", "cross-zone", "many-to-one", "one-to-many", "random", "node-matrix")

#: Which traffic each option belongs to: the option's destination is the argument's name of Tcp, Udp or Http.
TRAFFIC_OPTIONS: dict[str, frozenset[str]] = {
    "streams": frozenset({"tcp", "udp"}),
    "direction": frozenset({"tcp"}),
    "payload_bytes": frozenset({"tcp", "udp"}),
    "rate_bps": frozenset({"tcp", "udp"}),
    "receive": frozenset({"tcp"}),
    "congestion": frozenset({"tcp"}),
    "rate_pps": frozenset({"udp"}),
    "unlimited": frozenset({"udp"}),
    "method": frozenset({"http"}),
    "request_bytes": frozenset({"http"}),
    "response_bytes": frozenset({"http"}),
    "connections": frozenset({"http"}),
    "rate_rps": frozenset({"http"}),
    "connection": frozenset({"http"}),
    "timeout_s": frozenset({"http"}),
}

_EXITS = """\
exit codes:
  0    every pair has a result
  1    a fault of netbench itself
  2    the command line is wrong; nothing was started
  3    a pair failed; the results of the others were printed
  4    this machine lacks something, or the cluster failed as a whole
  130  interrupted; what was measured so far was printed
"""


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="netbench",
        description="Measure a network from inside it, and trust the number.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"netbench {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_measure(commands)
    commands.add_parser(
        "doctor",
        help="say what this machine can do and what is missing",
        description="Say what this machine can do, what is missing, and what to do about it.",
    )
    commands.add_parser(
        "cleanup",
        help="remove what controllers that died left behind",
        description="Remove the workers, network namespaces and files of controllers that died; live ones stay.",
    )
    return parser


def _add_measure(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "measure",
        help="measure on this machine, between network namespaces where that is allowed",
        description="Measure on this machine: workers on simulated nodes, joined by a switch.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_what(parser)
    _add_where(parser)
    _add_traffic(parser)
    _add_output(parser)


def _add_what(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to measure")
    group.add_argument("--protocol", choices=("tcp", "udp", "http"), default="tcp", help="default: tcp")
    group.add_argument("--duration", type=duration_s, default=10.0, metavar="TIME", help="default: 10 s")
    group.add_argument("--warmup", type=duration_s, default=0.0, metavar="TIME", help="traffic before anything counts")
    group.add_argument("--interval", type=duration_s, metavar="TIME", help="of the throughput series; default: 100ms")
    group.add_argument("--driver", choices=("native", "iperf2", "iperf3"), default="native", help="default: native")
    group.add_argument("--port", type=whole_number, help="first data port of the servers; default: any free one")
    group.add_argument("--seed", type=whole_number, default=0, help="of payload and random pairs; default: 0")


def _add_where(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where, and who with whom")
    group.add_argument("--nodes", type=whole_number, default=2, help="simulated nodes; default: 2")
    group.add_argument("--zones", type=whole_number, help="spread the nodes over this many zones")
    size = group.add_mutually_exclusive_group()
    size.add_argument("--pairs", type=whole_number, help="pairs of workers; default: 1")
    size.add_argument("--workers", type=whole_number, help="workers, spread evenly over the nodes")
    group.add_argument("--pairing", choices=PAIRINGS, default="cross-node", help="default: cross-node")
    group.add_argument(
        "--isolation",
        choices=("auto", "netns", "process"),
        default="auto",
        help="a network namespace for each node, or plain processes; default: namespaces where allowed",
    )
    group.add_argument("--link-rate", type=rate, metavar="BPS", help="limit each node's link, such as 1G")
    group.add_argument("--mtu", type=whole_number, help="of each node's link")


def _add_traffic(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("traffic")
    group.add_argument("--streams", type=whole_number, help="tcp, udp: parallel streams of a pair")
    group.add_argument(
        "--payload", dest="payload_bytes", type=byte_count, metavar="BYTES", help="tcp: one write; udp: one datagram"
    )
    group.add_argument("--rate", dest="rate_bps", type=rate, metavar="BPS", help="tcp, udp: payload rate of a pair")
    group.add_argument("--direction", choices=("forward", "reverse", "both"), help="tcp")
    group.add_argument("--receive", choices=("copy", "discard"), help="tcp: discard leaves payload in the kernel")
    group.add_argument("--congestion", metavar="NAME", help="tcp: congestion control, such as cubic or bbr")
    group.add_argument("--rate-pps", type=rate, metavar="PPS", help="udp: datagrams per second; default: 1000")
    group.add_argument("--unlimited", action="store_true", default=None, help="udp: as fast as the sender can")
    group.add_argument("--method", choices=("GET", "POST"), help="http")
    group.add_argument("--request-bytes", type=byte_count, metavar="BYTES", help="http: body of a request")
    group.add_argument("--response-bytes", type=byte_count, metavar="BYTES", help="http: body of a response")
    group.add_argument("--connections", type=whole_number, help="http: connections of a pair")
    group.add_argument("--rate-rps", type=rate, metavar="RPS", help="http: open loop of this many requests per second")
    group.add_argument("--connection", choices=("keep-alive", "per-request"), help="http")
    group.add_argument("--timeout", dest="timeout_s", type=duration_s, metavar="TIME", help="http: of one request")


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print the result as JSON instead of a table")
    group.add_argument(
        "--output", metavar="FILE", help="write the result to a file too: .json, .html, or .perfdata.json"
    )
    group.add_argument("--quiet", action="store_true", help="show no progress")
