"""The command line as a user runs it: what it prints, its exit codes, and what is left when it is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import netbench as nb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TIMEOUT_S = 60


def command(*words: str) -> list[str]:
    """Give the command line."""
    return [sys.executable, "-m", "netbench", *words]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run netbench to its end."""
    return subprocess.run(command(*words), check=False, capture_output=True, text=True, timeout=TIMEOUT_S)


def interrupted_when(sign: str, number: signal.Signals, words: Sequence[str]) -> tuple[int, str]:
    """Start netbench, send a signal when its progress says this, and give exit code and output."""
    with subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if sign in line:
                process.send_signal(number)
                break
        output, _ = process.communicate(timeout=TIMEOUT_S)
    return process.returncode, output


def test_a_complete_measurement_prints_a_table_and_exits_with_0() -> None:
    """The main job."""
    done = run("measure", "--duration", "500ms", "--isolation", "process")
    assert (done.returncode, "complete" in done.stdout, "worker-0" in done.stdout) == (0, True, True)


@pytest.mark.usefixtures("namespaces")
def test_the_default_measures_between_namespaces() -> None:
    """As root on Linux, nothing has to be asked for."""
    assert "isolation netns" in run("measure", "--duration", "300ms").stdout


@pytest.mark.parametrize("protocol", ["tcp", "udp", "http"])
def test_json_on_standard_output_is_a_result(protocol: str) -> None:
    """Nothing else is printed there, so it can be piped."""
    done = run("measure", "--protocol", protocol, "--duration", "300ms", "--isolation", "process", "--json")
    assert nb.Result.from_json(done.stdout).complete


SEARCH = ("search", "--isolation", "process", "--rate-max", "400", "--duration", "300ms")


def test_a_search_prints_the_rate_and_each_trial_with_its_verdict(tmp_path: Path) -> None:
    """And keeps all of them in a file."""
    path = tmp_path / "found.json"
    done = run(*SEARCH, "--max-loss", "0.5", "--output", str(path))
    found = nb.SearchResult.load(path)
    assert (done.returncode, found.rate, done.stdout) == (0, 400, f"{found}\n")


def test_a_search_that_is_interrupted_prints_what_it_found() -> None:
    """No rate keeps a nanosecond; the second trial is stopped."""
    words = (*SEARCH, "--duration", "2s", "--max-latency", "0.000001ms", "--retries", "0")
    code, output = interrupted_when("where", signal.SIGINT, words)
    assert (code, "limited by stopped, 2 trials" in output) == (130, True)


@pytest.mark.parametrize(
    "words",
    [("--max-loss", "-1"), ("--max-loss", "0", "--rate-pps", "10"), ("--max-loss", "0", "--rate-min", "500"), ()],
)
def test_a_search_that_cannot_be_is_refused_before_anything_is_started(words: tuple[str, ...]) -> None:
    """As misuse."""
    done = run(*SEARCH, *words)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_an_output_file_holds_the_result(tmp_path: Path) -> None:
    """The JSON can be loaded again."""
    path = tmp_path / "result.json"
    run("measure", "--duration", "300ms", "--isolation", "process", "--output", str(path))
    assert nb.Result.load(path).complete


def test_an_html_file_is_a_page_of_its_own(tmp_path: Path) -> None:
    """It needs nothing from anywhere else."""
    path = tmp_path / "result.html"
    run("measure", "--duration", "300ms", "--isolation", "process", "--output", str(path))
    assert path.read_text().startswith("<!doctype html>")


def test_a_perfdata_file_has_clusterloader2s_form(tmp_path: Path) -> None:
    """One data item with a unit."""
    path = tmp_path / "result.perfdata.json"
    run("measure", "--duration", "300ms", "--isolation", "process", "--output", str(path))
    assert json.loads(path.read_text())["dataItems"][0]["unit"] == "kbytes/sec"


def test_a_pair_that_fails_exits_with_3_and_is_named() -> None:
    """The server's port is taken by another pair's server."""
    done = run(
        "measure",
        "--protocol",
        "udp",
        "--pairs",
        "2",
        "--port",
        "45231",
        "--duration",
        "300ms",
        "--isolation",
        "process",
    )
    assert (done.returncode, "port-taken" in done.stdout) == (3, True)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--duration", "0"], "duration"),
        (["--duration", "-1"], "duration"),
        (["--streams", "0"], "Tcp(streams=)"),
        (["--driver", "wrk"], "--driver"),
        (["--workers", "0"], "WorkerFleet(workers=)"),
        (["--nodes", "0"], "Cluster.local(nodes=)"),
        (["--protocol", "udp", "--payload", "1M"], "Udp(payload_bytes=)"),
        (["--protocol", "udp", "--rate-pps", "0"], "rate"),
        (["--protocol", "udp", "--connections", "3"], "--connections"),
        (["--pairing", "same-node", "--pairs", "1", "--workers", "2"], "not allowed"),
        (["--output", "result.txt"], "--output"),
        (["--output", "/nonexistent/result.json"], "--output"),
    ],
)
def test_misuse_exits_with_2_and_names_what_is_wrong(words: list[str], name: str) -> None:
    """One line, no traceback, nothing started."""
    done = run("measure", *words)
    assert (done.returncode, name in done.stderr, "Traceback" in done.stderr) == (2, True, False)


@pytest.mark.parametrize("command_name", ["measure", "search"])
def test_misuse_is_not_buried_under_all_options(command_name: str) -> None:
    """There are some forty."""
    assert len(run(command_name, "--protocol", "tpc").stderr.splitlines()) == 2


def test_a_strategy_without_a_pair_exits_with_2() -> None:
    """Two workers on two nodes have no pair on one node."""
    done = run("measure", "--pairing", "same-node", "--workers", "2", "--isolation", "process")
    assert (done.returncode, "SameNode()" in done.stderr) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_an_interrupted_measurement_prints_what_it_has_and_exits_with_130(number: signal.Signals) -> None:
    """It ends long before its time, and cleans up."""
    code, output = interrupted_when("sending for", number, ["measure", "--duration", "50", "--isolation", "process"])
    assert (code, "stopped before its time" in output) == (130, True)


def test_help_names_the_exit_codes() -> None:
    """They are part of the interface."""
    assert "130  interrupted" in run("--help").stdout


def test_doctor_says_what_this_machine_can_do() -> None:
    """It tries both kinds of cluster for real."""
    done = run("doctor")
    assert "workers as processes" in done.stdout


def test_cleanup_says_when_there_is_nothing_to_do() -> None:
    """And exits with 0."""
    done = run("cleanup")
    assert (done.returncode, done.stdout) == (0, "nothing to remove\n")


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_full_disk_is_said_and_the_table_is_not_lost(tmp_path: Path) -> None:
    """The file cannot be written; the exit code says so, and the numbers were printed before."""
    limit = ["prlimit", "--fsize=100", "--"]
    words = command("measure", "--duration", "300ms", "--isolation", "process", "--output", str(tmp_path / "r.json"))
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "COVERAGE_PROCESS_START": ""}
    done = subprocess.run(
        [*limit, *words], check=False, capture_output=True, text=True, timeout=TIMEOUT_S, env=environment
    )
    assert (done.returncode, "cannot write" in done.stderr, "worker-0" in done.stdout) == (4, True, True)
