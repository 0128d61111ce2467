"""Plans on this machine: reports in ClusterLoader2's form, and failures that nobody can miss."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

import netbench as nb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("namespaces")

CONFIG = """\
{{$servers := DefaultParam .CL2_NUMBER_OF_SERVERS 1}}
{{$clients := DefaultParam .CL2_NUMBER_OF_CLIENTS 1}}
{{$protocol := DefaultParam .CL2_PROTOCOL "TCP"}}
name: network_performance
namespace:
  number: 1
steps:
- name: Start network performance measurement
  measurements:
  - Identifier: NetworkPerformanceMetrics
    Method: NetworkPerformanceMetrics
    Params:
      action: start
      duration: {{DefaultParam .CL2_DURATION "1s"}}
      protocol: {{$protocol}}
      numberOfServers: {{$servers}}
      numberOfClients: {{$clients}}
- name: Gather network performance measurement
  measurements:
  - Identifier: NetworkPerformanceMetrics
    Method: NetworkPerformanceMetrics
    Params:
      action: gather
"""
#: ClusterLoader2's metrics, with their units.
METRICS = {
    "TCP": {"Throughput": "kbytes/sec"},
    "UDP": {"Packet_Per_Second": "pps", "Jitter": "ms", "Latency": "ms", "Lost_Packets": "percentage"},
    "HTTP": {"Response_Time": "seconds"},
}
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
TIMEOUT_S = 60


@pytest.fixture(autouse=True)
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a config of ClusterLoader2's shape into the working directory."""
    (tmp_path / "config.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*words: str) -> list[str]:
    """Give the command line."""
    return [sys.executable, "-m", "netbench", "run", *words]


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run netbench to its end."""
    return subprocess.run(
        command(*words),
        check=False,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env={**os.environ, **environment},
    )


def perfdata(directory: Path, name: str) -> dict[str, Any]:
    """Read the only report whose name is like this."""
    (path,) = [each for each in directory.iterdir() if re.fullmatch(name, each.name)]
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def failures(directory: Path) -> dict[str, Sequence[str]]:
    """Give the failed cases of junit.xml with what they say."""
    cases = ET.parse(directory / "junit.xml").getroot()
    return {case.attrib["name"]: (each.text or "").splitlines() for case in cases for each in case.iter("failure")}


def test_a_suite_of_clusterloader2s_shape_gives_its_reports(plan: Path) -> None:
    """Every protocol, 1:1 and 4:4: names, labels, units and percentiles."""
    suite = ""
    for protocol in METRICS:
        for count in (1, 4):
            override = f"{protocol}-{count}.yaml"
            values = {"PROTOCOL": protocol, "NUMBER_OF_SERVERS": count, "NUMBER_OF_CLIENTS": count}
            (plan / override).write_text("".join(f"CL2_{name}: {value}\n" for name, value in values.items()))
            suite += (
                f"- identifier: {protocol.lower()}-{count}:{count} \n  configPath: config.yaml \n"
                f"  overridePaths:\n  - {override}\n"
            )
    (plan / "suite.yaml").write_text(suite)
    done = run(f"--testsuite={plan}/suite.yaml", "--report-dir", "reports")
    assert done.returncode == 0, done.stdout + done.stderr
    assert failures(plan / "reports") == {}
    for protocol, metrics in METRICS.items():
        for count in (1, 4):
            ratio = "1:1" if count == 1 else "N:M"
            identifier = f"{protocol.lower()}-{count}:{count}"
            name = f"NetworkPerformanceMetrics_{ratio}_{protocol}_P2P_network_performance_{identifier}_{TIME}.json"
            document = perfdata(plan / "reports", name)
            assert document["version"] == "v1"
            items = {each["labels"]["Metric"]: each for each in document["dataItems"] if len(each["labels"]) == 1}
            assert {name: each["unit"] for name, each in items.items()} == {
                **metrics,
                "Verdict": "count",
                "Completeness": "pairs",
            }
            keys = {"Value"} if count == 1 else {"Perc05", "Perc50", "Perc95"}
            assert all(set(items[name]["data"]) == keys for name in metrics)
            assert items["Completeness"]["data"] == {"Planned": count, "Measured": count, "Missing": 0}
            whole = perfdata(plan / "reports", f"netbench_{name}")
            assert nb.Result.from_dict(whole).complete


def test_many_clients_with_one_server_are_measured(plan: Path) -> None:
    """What ClusterLoader2 refuses."""
    done = run("config.yaml", "--report-dir", "reports", CL2_NUMBER_OF_CLIENTS="3")
    assert done.returncode == 0, done.stdout + done.stderr
    document = perfdata(plan / "reports", f"NetworkPerformanceMetrics_N:M_TCP_.*{TIME}.json")
    assert document["dataItems"][-1]["data"] == {"Planned": 3, "Measured": 3, "Missing": 0}


def test_a_missed_threshold_fails_the_run_and_names_the_figure(plan: Path) -> None:
    """In the exit code, on the screen, and in junit.xml; the report is there all the same."""
    thresholds = "      thresholds: [{metric: Throughput, min: 1.0e+12}]\n"
    text = (plan / "config.yaml").read_text()
    (plan / "config.yaml").write_text(text.replace("- name: Gather", f"{thresholds}- name: Gather"))
    done = run("config.yaml", "--report-dir", "reports")
    assert done.returncode == 3
    step = "network_performance: [step: 02] Gather network performance measurement [00] - NetworkPerformanceMetrics"
    (said,) = failures(plan / "reports")[step]
    assert re.fullmatch(r"Throughput Value is [\d.e+]+ kbytes/sec, below the least of 1e\+12", said)
    assert said in done.stdout
    assert perfdata(plan / "reports", f"NetworkPerformanceMetrics_1:1_TCP_.*{TIME}.json")["dataItems"][0]["data"]


def test_a_worker_killed_in_mid_run_is_absent_from_the_percentiles_and_counted(plan: Path) -> None:
    """Exit code 3, its pair named in junit.xml, and no 0 for it."""
    words = command("config.yaml", "--report-dir", "reports", "--set", "CL2_DURATION=4s")
    numbers = {"CL2_NUMBER_OF_SERVERS": "2", "CL2_NUMBER_OF_CLIENTS": "2"}
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **numbers}
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "armed, sending" in line:
                break
        os.kill(worker_of(process.pid), signal.SIGKILL)
        output, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 3, output
    document = perfdata(plan / "reports", f"NetworkPerformanceMetrics_N:M_TCP_.*{TIME}.json")
    assert document["dataItems"][-1]["data"] == {"Planned": 2, "Measured": 1, "Missing": 1}
    assert min(document["dataItems"][0]["data"].values()) > 0
    said = "\n".join(line for lines in failures(plan / "reports").values() for line in lines)
    assert re.search(r"worker-\d .*worker-\d.*worker-lost|worker-\d -> worker-\d.*ended", said), said


def worker_of(controller: int) -> int:
    """Give the process of one worker of a running netbench."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], check=True, capture_output=True, text=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
    mine = {str(controller)}
    for _ in range(4):
        mine |= {pid for pid, parent, _ in rows if parent in mine}
    return int(next(pid for pid, _, args in rows if pid in mine and "netbench.worker" in args))


def test_an_interrupted_plan_leaves_its_reports_and_nothing_else(plan: Path) -> None:
    """Exit code 130."""
    with subprocess.Popen(
        command("config.yaml", "--report-dir", "reports", "--set", "CL2_DURATION=60s"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "[step: 02]" in line:
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130
    assert failures(plan / "reports") == {"network_performance overall (config.yaml)": ["the test was interrupted"]}


def test_two_runs_of_a_plan_at_once_do_not_disturb_each_other(plan: Path) -> None:
    """Both are complete."""
    runs = [
        subprocess.Popen(command("config.yaml", "--report-dir", f"reports-{number}"), stderr=subprocess.DEVNULL)
        for number in range(2)
    ]
    assert [each.wait(TIMEOUT_S) for each in runs] == [0, 0]
    for number in range(2):
        assert failures(plan / f"reports-{number}") == {}


def test_nothing_is_made_for_a_plan_that_is_wrong(plan: Path) -> None:
    """No report directory either."""
    (plan / "suite.yaml").write_text(
        "- {identifier: a, configPath: config.yaml}\n- {identifier: b, configPath: none.yaml}\n"
    )
    done = run("suite.yaml", "--report-dir", "reports")
    assert (done.returncode, (plan / "reports").exists()) == (2, False)
    assert "suite.yaml:2:31" in done.stderr


def test_a_start_without_a_gather_is_cleaned_up_and_reported(plan: Path) -> None:
    """It fails, and says which."""
    text = (plan / "config.yaml").read_text()
    (plan / "config.yaml").write_text(text[: text.index("- name: Gather")])
    done = run("config.yaml", "--set", "CL2_DURATION=30s")
    assert done.returncode == 3
    assert "was started and never gathered" in done.stdout


METHOD = """
import netbench as nb, sys
from netbench.cli import main

@nb.measurement_method("OwnLatency")
class OwnLatency:
    async def execute(self, call, context):
        async with nb.WorkerFleet(context.cluster, workers=2) as fleet:
            result = await nb.Measurement(nb.Udp(rate_pps=200), duration_s=0.5).run(fleet, nb.CrossNode())
        delay = result.pairs[0].one_way_delay.percentile(50)
        return [nb.Summary(name="OwnLatency", content=f"{delay}", extension="txt", result=result)]

    async def dispose(self):
        pass

sys.exit(main(sys.argv[1:]))
"""


def test_a_method_of_ones_own_measures_and_reports(plan: Path) -> None:
    """By a decorator, in a few lines, with the public API."""
    (plan / "own.py").write_text(METHOD)
    (plan / "own.yaml").write_text(
        "name: own\nsteps:\n- measurements: [{Identifier: x, Method: OwnLatency, Params: {}}]\n"
    )
    words = [sys.executable, "own.py", "run", "own.yaml", "--report-dir", "reports"]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = (plan / "reports").glob("OwnLatency_own_*.txt")
    assert float(report.read_text()) > 0
