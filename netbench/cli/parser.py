"""The command line's grammar."""

from __future__ import annotations

import argparse

from netbench.cli.quantities import byte_count, duration_s, rate, whole_number
from netbench.version import __version__

__all__ = ("LOCAL_OPTIONS", "PAIRINGS", "POD_OPTIONS", "TRAFFIC_OPTIONS", "make_parser")

#: Options that go with this machine only, by their destinations.
LOCAL_OPTIONS = ("nodes", "zones", "isolation", "link_rate", "mtu")
#: Options that go with a Kubernetes cluster only.
POD_OPTIONS = ("image", "image_pull_policy", "image_pull_secrets", "cpu", "memory", "node_selector", "host_network")

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

#: An error shows the usage before it: one with 40 options would hide what is wrong.
_SHORT = "%(prog)s [--help] [option ...]"

_EXITS = """\
exit codes:
  0    every pair has a result
  1    a fault of netbench itself
  2    the command line is wrong; nothing was started
  3    a pair failed, or a plan's threshold was missed; what was measured was printed
  4    this machine lacks something, or the cluster failed as a whole
  130  interrupted; what was measured so far was printed, of a plan what had been gathered
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
    _add_search(commands)
    _add_run(commands)
    _add_plan(commands)
    doctor = commands.add_parser(
        "doctor",
        help="say what this machine, or a Kubernetes cluster, can do and what is missing",
        description="Say what this machine, or a Kubernetes cluster, can do, what is missing, and what to do about it.",
    )
    _add_cluster(doctor.add_argument_group("Kubernetes cluster"))
    cleanup = commands.add_parser(
        "cleanup",
        help="remove what controllers that died left behind",
        description="Remove the workers of controllers that died, and all that belongs to them; live ones stay.",
    )
    _add_cluster(cleanup.add_argument_group("Kubernetes cluster"))
    _add_manifests(commands)
    return parser


def _add_manifests(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "manifests",
        help="print what an administrator may apply to a Kubernetes cluster",
        description="Print YAML for kubectl apply -f -: the custom resource, the rights of whoever runs netbench, and, "
        "to be looked at, a worker's pod.",
    )
    parser.add_argument("--only", choices=("crd", "role", "worker"), help="one of them; default: crd and role")
    parser.add_argument("--namespace", help="of the Role and the pod")


def _add_cluster(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--kubernetes", action="store_true", help="the current context, or inside of a pod its account")
    group.add_argument("--context", help="this context of the kubeconfig")
    group.add_argument("--kubeconfig", metavar="FILE", help="instead of KUBECONFIG and ~/.kube/config")
    group.add_argument("--namespace", help="where the workers go; default: the context's, or one of their own")


def _add_measure(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "measure",
        usage=_SHORT,
        help="measure a Kubernetes cluster, or this machine",
        description="Measure a Kubernetes cluster (--context, --kubernetes), whose workers are pods; or, without "
        "these, this machine: workers on simulated nodes, joined by a switch.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_what(parser)
    _add_pairs(parser)
    _add_local(parser)
    _add_kubernetes(parser)
    _add_traffic(parser)
    _add_output(parser)


def _add_search(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "search",
        usage=f"{_SHORT} --rate-max RATE {{--max-loss SHARE | --max-latency TIME}}",
        help="find the highest UDP or HTTP rate that keeps a bound",
        description="Find the highest rate of each pair at which a bound on loss or latency is kept, by halving "
        "(RFC 2544, section 26.1); on a Kubernetes cluster (--context, --kubernetes), or on this machine.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    group = parser.add_argument_group("what to search for")
    group.add_argument("--protocol", choices=("udp", "http"), default="udp", help="default: udp")
    group.add_argument("--rate-max", type=rate, required=True, metavar="RATE", help="datagrams or requests per second")
    group.add_argument("--rate-min", type=rate, default=1.0, metavar="RATE", help="give up below this; default: 1")
    bound = group.add_mutually_exclusive_group(required=True)
    bound.add_argument("--max-loss", type=float, metavar="SHARE", help="of what was sent, such as 0.0001, or 0")
    bound.add_argument("--max-latency", type=duration_s, metavar="TIME", help="of --percentile, such as 2ms")
    group.add_argument("--percentile", type=float, default=99.0, help="of the latency; default: 99")
    group.add_argument("--resolution", type=float, default=0.02, metavar="SHARE", help="how close; default: 0.02")
    group.add_argument("--retries", type=whole_number, default=1, help="of a bad rate; default: 1")
    group.add_argument("--trials-max", type=whole_number, default=30, metavar="N", help="default: 30")
    group.add_argument("--duration", type=duration_s, default=10.0, metavar="TIME", help="of a trial; default: 10 s")
    group.add_argument("--warmup", type=duration_s, default=0.0, metavar="TIME", help="traffic before anything counts")
    group.add_argument("--seed", type=whole_number, default=0, help="of random pairs; default: 0")
    _add_pairs(parser)
    _add_local(parser)
    _add_kubernetes(parser)
    _add_traffic(parser)
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="print all trials as JSON")
    group.add_argument("--output", metavar="FILE", help="write all trials to a file too: .json")
    group.add_argument("--quiet", action="store_true", help="show no progress")


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "run",
        help="run a plan: configs or suites in ClusterLoader2's form",
        description="Run configs or suites in ClusterLoader2's form, on a Kubernetes cluster (--context, --kubeconfig, "
        "--kubernetes) or on this machine (--local, and without any of these). Every file is checked before anything "
        "is started.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_sources(parser)
    parser.add_argument("--report-dir", metavar="DIR", help="write PerfData, junit.xml and the whole results there")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    group = parser.add_argument_group("where")
    group.add_argument("--local", action="store_true", help="this machine: simulated nodes, joined by a switch")
    _add_cluster(group)
    # Flags that scripts for ClusterLoader2 have, and that mean nothing here.
    parser.add_argument("--provider", help=argparse.SUPPRESS)


def _add_plan(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "plan",
        help="check a plan and say what it would do, touching nothing",
        description="Render and check a plan, and say what it would do: steps, pods, pairs per node, rounds, bytes and "
        "time. Nothing is touched.",
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_sources(parser)
    parser.add_argument("--render", action="store_true", help="print the rendered YAML instead")


def _add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="*", metavar="FILE", help="configs or suites")
    parser.add_argument(
        "--override",
        "--testoverrides",
        dest="override",
        action="append",
        default=[],
        metavar="FILE",
        help="variables for all tests, in YAML; may be given again, and what a later one says stands",
    )
    parser.add_argument(
        "--set",
        dest="assign",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one variable; may be given again",
    )
    parser.add_argument("--nodes", type=whole_number, help="what .Nodes is, and with --local how many nodes there are")
    parser.add_argument("--testconfig", action="append", default=[], metavar="FILE", help="the same as FILE")
    parser.add_argument("--testsuite", action="append", default=[], metavar="FILE", help="the same as FILE")
    parser.add_argument("--registry-k8s-repo", dest="image_registry", metavar="HOST", help="what .ImageRegistry is")


def _add_what(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to measure")
    group.add_argument("--protocol", choices=("tcp", "udp", "http"), default="tcp", help="default: tcp")
    group.add_argument("--duration", type=duration_s, default=10.0, metavar="TIME", help="default: 10 s")
    group.add_argument("--warmup", type=duration_s, default=0.0, metavar="TIME", help="traffic before anything counts")
    group.add_argument("--interval", type=duration_s, metavar="TIME", help="of the throughput series; default: 100ms")
    group.add_argument("--driver", choices=("native", "iperf2", "iperf3"), default="native", help="default: native")
    often = group.add_mutually_exclusive_group()
    often.add_argument("--repeats", type=whole_number, default=1, help="measure so often; default: 1")
    often.add_argument(
        "--precision",
        type=float,
        metavar="SHARE",
        help="repeat until the mean is known to this share of it, such as 0.02, with 95 %% confidence",
    )
    group.add_argument("--port", type=whole_number, help="first data port of the servers; default: any free one")
    group.add_argument("--seed", type=whole_number, default=0, help="of payload and random pairs; default: 0")


def _add_pairs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("who with whom")
    size = group.add_mutually_exclusive_group()
    size.add_argument("--pairs", type=whole_number, help="pairs of workers; default: 1")
    size.add_argument("--workers", type=whole_number, help="workers, spread evenly over the nodes")
    group.add_argument("--pairing", choices=PAIRINGS, default="cross-node", help="default: cross-node")


def _add_local(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("this machine")
    group.add_argument("--nodes", type=whole_number, help="simulated nodes; default: 2")
    group.add_argument("--zones", type=whole_number, help="spread the nodes over this many zones")
    group.add_argument(
        "--isolation",
        choices=("auto", "netns", "process"),
        help="a network namespace for each node, or plain processes; default: namespaces where allowed",
    )
    group.add_argument("--link-rate", type=rate, metavar="BPS", help="limit each node's link, such as 1G")
    group.add_argument("--mtu", type=whole_number, help="of each node's link")


def _add_kubernetes(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("Kubernetes cluster")
    _add_cluster(group)
    group.add_argument(
        "--image", help="with Python 3.11 or newer; default: python:3.N-slim, of the N that runs netbench"
    )
    group.add_argument("--image-pull-policy", choices=("Always", "IfNotPresent", "Never"))
    group.add_argument(
        "--pull-secret", dest="image_pull_secrets", action="append", metavar="NAME", help="may be given again"
    )
    group.add_argument("--cpu", metavar="QUANTITY", help="request and limit of each worker; default: no limit")
    group.add_argument("--memory", metavar="QUANTITY", help="request and limit of each worker; default: no limit")
    group.add_argument(
        "--node-selector", action="append", metavar="LABEL=VALUE", help="nodes that workers go to; may be given again"
    )
    group.add_argument("--host-network", action="store_true", default=None, help="use the nodes' own network")
    group.add_argument("--ready-timeout", type=duration_s, metavar="TIME", help="for workers to become ready")


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
