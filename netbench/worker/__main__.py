"""``python -m netbench.worker``: one worker, as a process of this machine or as what runs in a pod."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path

import anyio

from netbench.errors import NetbenchError, innermost
from netbench.worker.agent import serve
from netbench.worker.control.local import LocalControl
from netbench.worker.isolation import die_with_parent, enter_network_namespace
from netbench.worker.timing import WorkerClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from netbench.worker.control.base import WorkerControl

#: Test hook: a JSON object that maps workers' names to nanoseconds by which their clocks are shifted.
CLOCK_SHIFTS_VARIABLE = "NETBENCH_TEST_CLOCK_SHIFTS_NS"
_KUBERNETES = "kubernetes:"


def main() -> int:
    """Read the arguments and serve until the controller is gone."""
    parser = argparse.ArgumentParser(prog="python -m netbench.worker", description=__doc__)
    parser.add_argument("--name", required=True, help="this worker's name")
    parser.add_argument(
        "--control",
        required=True,
        metavar="unix:PATH|kubernetes:NAMESPACE/FLEET",
        help="the controller's socket, or a fleet's objects of the API server",
    )
    parser.add_argument(
        "--account", metavar="DIRECTORY", default="", help="on Kubernetes: the fleet's key, and the account's files"
    )
    parser.add_argument(
        "--relay",
        metavar="HOST:PORT",
        default="",
        help="on Kubernetes: the worker through which this is controlled",
    )
    parser.add_argument(
        "--group", metavar="WORKER", default="", help="on Kubernetes: the name of that worker; its own for itself"
    )
    parser.add_argument("--listen", default="127.0.0.1", help="address at which other workers reach this one")
    parser.add_argument("--netns", help="path of the network namespace to enter first")
    parser.add_argument("--parent", type=int, metavar="PID", help="die when this parent process ends")
    arguments = parser.parse_args()
    # Ctrl-C in a terminal reaches the whole process group; the controller decides when a worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if arguments.control.startswith(_KUBERNETES):
        # The first process of a pod has no default for it, and a pod that is deleted should not wait.
        signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))
    try:
        if arguments.parent:
            die_with_parent(arguments.parent)
        if arguments.netns:
            enter_network_namespace(arguments.netns)
        anyio.run(_serve, arguments)
    except Exception as error:
        # A task group may have wrapped it.
        cause = innermost(error)
        if not isinstance(cause, NetbenchError):
            raise
        print(f"worker {arguments.name}: {cause}", file=sys.stderr)  # noqa: T201 - the log of this process
        return 1
    return 0


async def _serve(arguments: argparse.Namespace) -> None:
    shifts = json.loads(os.environ.get(CLOCK_SHIFTS_VARIABLE, "{}"))
    clock = WorkerClock(int(shifts.get(arguments.name, 0)))
    async with _control(arguments, clock) as control:
        await serve(control, arguments.name, arguments.listen, clock)


def _control(arguments: argparse.Namespace, clock: WorkerClock) -> AbstractAsyncContextManager[WorkerControl]:
    if arguments.control.startswith(_KUBERNETES):
        # A worker of this machine does without an HTTP client.
        from netbench.worker.control.kubernetes.opening import Way, open_pod_control  # noqa: PLC0415 - see above

        fleet = arguments.control.removeprefix(_KUBERNETES)
        way = Way.of(arguments.group, arguments.relay)
        return open_pod_control(fleet, Path(arguments.account), arguments.name, clock, way)
    return LocalControl(arguments.control.removeprefix("unix:"), clock)


if __name__ == "__main__":
    sys.exit(main())
