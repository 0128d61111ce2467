"""Plans against a real cluster, beside ClusterLoader2: what it loses silently is loud here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import anyio
import pytest

from tests.e2e.definition import others, replace

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.kubernetes import Kubernetes

# The definition is the whole cluster's, and only the lab's cluster is the tests' alone.
pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("lab_only")]

START = """\
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
      protocol: {{DefaultParam .CL2_PROTOCOL "TCP"}}
      numberOfServers: {{DefaultParam .CL2_COUNT 1}}
      numberOfClients: {{DefaultParam .CL2_COUNT 1}}
"""
GATHER = """\
- name: Gather network performance measurement
  measurements:
  - Identifier: NetworkPerformanceMetrics
    Method: NetworkPerformanceMetrics
    Params:
      action: gather
"""
UNITS = {
    "TCP": {"Throughput"},
    "UDP": {"Packet_Per_Second", "Jitter", "Latency", "Lost_Packets"},
    "HTTP": {"Response_Time"},
}


class Plan:
    """``netbench run`` in a directory."""

    def __init__(self, kubernetes: Kubernetes, directory: Path, more: str = "") -> None:
        self._kubernetes = kubernetes
        self._directory = directory
        self.reports = directory / "reports"
        (directory / "config.yaml").write_text(START + more + GATHER)

    def begin(self, *words: str, file: str = "config.yaml", reports: str = "reports") -> subprocess.Popen[str]:
        """Start it."""
        where = ["--kubeconfig", self._kubernetes.kubeconfig, "--namespace", self._kubernetes.namespace]
        return subprocess.Popen(
            [sys.executable, "-m", "netbench", "run", file, "--report-dir", reports, *where, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._directory,
            env={**os.environ, "COLUMNS": "200", "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    async def run(self, *words: str, **more: str) -> tuple[int, str]:
        """Run it to its end; give its exit code and what it said."""
        process = self.begin(*words, **more)
        out, err = await anyio.to_thread.run_sync(process.communicate)
        return process.returncode, out + err

    def failures(self) -> str:
        """Give what junit.xml says of failures."""
        cases = ET.parse(self.reports / "junit.xml").getroot()
        return "\n".join(each.text or "" for case in cases for each in case.iter("failure"))

    def perfdata(self, name: str = "") -> dict[str, Any]:
        """Read the only report of a name like this."""
        (path,) = [
            each for each in self.reports.iterdir() if re.match(f"NetworkPerformanceMetrics_.*{name}", each.name)
        ]
        document: dict[str, Any] = json.loads(path.read_text())
        return document

    def completeness(self) -> tuple[int, int]:
        """Give how many pairs were planned, and how many measured."""
        data = self.perfdata()["dataItems"][-1]["data"]
        return data["Planned"], data["Measured"]


async def until_said(process: subprocess.Popen[str], word: str) -> None:
    """Wait until it has said this on standard error."""
    assert process.stderr is not None
    with anyio.fail_after(90):
        while word not in await anyio.to_thread.run_sync(process.stderr.readline):
            pass


async def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for its end."""
    out, _ = await anyio.to_thread.run_sync(process.communicate)
    return process.returncode, out


async def test_a_suite_of_clusterloader2s_shape_runs_on_the_cluster(kubernetes: Kubernetes, tmp_path: Path) -> None:
    """Every protocol, 1:1 and 4:4, each with its report."""
    plan = Plan(kubernetes, tmp_path)
    suite = ""
    for protocol in UNITS:
        for count in (1, 4):
            name = f"{protocol.lower()}-{count}:{count}"
            (tmp_path / f"{name}.yaml").write_text(f"CL2_PROTOCOL: {protocol}\nCL2_COUNT: {count}\n")
            suite += f"- {{identifier: '{name}', configPath: config.yaml, overridePaths: ['{name}.yaml']}}\n"
    (tmp_path / "suite.yaml").write_text(suite)
    code, said = await plan.run(file="suite.yaml")
    assert (code, plan.failures()) == (0, ""), said
    for protocol, metrics in UNITS.items():
        for count in (1, 4):
            document = plan.perfdata(f"{protocol}_.*{protocol.lower()}-{count}:{count}")
            items = {
                each["labels"]["Metric"]: each["data"] for each in document["dataItems"] if len(each["labels"]) == 1
            }
            assert metrics | {"Verdict", "Completeness"} == set(items)
            assert items["Completeness"]["Measured"] == count


async def test_ten_seconds_with_two_pairs_are_over_soon(
    kubernetes: Kubernetes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From command to prompt, everything removed; the figure is printed, for the machine decides how large it is."""
    plan = Plan(kubernetes, tmp_path)
    began = time.monotonic()
    code, said = await plan.run("--set", "CL2_DURATION=10s", "--set", "CL2_COUNT=2")
    took_s = time.monotonic() - began
    assert (code, plan.completeness()) == (0, (2, 2)), said
    assert await kubernetes.leftovers(patience_s=0) == []
    with capsys.disabled():
        print(f" [{took_s:.1f} s]", end="")


async def test_a_worker_image_that_does_not_exist_is_named(kubernetes: Kubernetes, tmp_path: Path) -> None:
    """In the exit code, in junit.xml, and in PerfData."""
    plan = Plan(kubernetes, tmp_path, "      worker: {image: localhost/nobody/has-this:1}\n")
    code, said = await plan.run()
    assert (code, plan.completeness()) == (3, (1, 0)), said
    assert "localhost/nobody/has-this:1" in plan.failures()
    assert await kubernetes.leftovers() == []


async def test_workers_that_are_all_on_one_node_are_refused(kubernetes: Kubernetes, tmp_path: Path) -> None:
    """ClusterLoader2 measures nothing, and calls it a success."""
    (node, *_) = (await kubernetes.api.call("GET", "/api/v1/nodes"))["items"]
    labels = f"{{kubernetes.io/hostname: {node['metadata']['labels']['kubernetes.io/hostname']}}}"
    plan = Plan(kubernetes, tmp_path, f"      worker: {{nodeSelector: {labels}}}\n")
    code, said = await plan.run()
    assert (code, plan.completeness()) == (3, (1, 0)), said
    assert "needs workers on two nodes" in plan.failures()


async def delete_a_worker(kubernetes: Kubernetes) -> str:
    """Delete the first pod, and give its name."""
    (pod, *_) = await kubernetes.items("v1", "pods")
    name: str = pod["metadata"]["name"]
    await kubernetes.api.call("DELETE", f"{kubernetes.path('v1', 'pods')}/{name}", {"gracePeriodSeconds": 0})
    return name


async def test_a_worker_deleted_while_traffic_flows_is_named(kubernetes: Kubernetes, tmp_path: Path) -> None:
    """ClusterLoader2's pair vanishes from the percentiles."""
    plan = Plan(kubernetes, tmp_path)
    process = plan.begin("--set", "CL2_DURATION=6s", "--set", "CL2_COUNT=2")
    await until_said(process, "armed, sending")
    name = await delete_a_worker(kubernetes)
    code, said = await ended(process)
    assert (code, plan.completeness()) == (3, (2, 1)), said
    assert name in plan.failures()


async def test_a_worker_deleted_before_traffic_flows_is_named(kubernetes: Kubernetes, tmp_path: Path) -> None:
    """While pairs are armed; ClusterLoader2's pair vanishes then too."""
    plan = Plan(kubernetes, tmp_path)
    process = plan.begin("--set", "CL2_DURATION=3s", "--set", "CL2_COUNT=2")
    await until_said(process, "4 of 4 workers ready")
    name = await delete_a_worker(kubernetes)
    code, said = await ended(process)
    planned, measured = plan.completeness()
    assert (code, planned, measured < 2) == (3, 2, True), said
    assert name in plan.failures()


async def test_a_label_on_a_request_is_not_taken_for_a_result(kubernetes: Kubernetes, tmp_path: Path) -> None:
    """ClusterLoader2 takes any update of one."""
    plan = Plan(kubernetes, tmp_path)
    process = plan.begin("--set", "CL2_DURATION=4s")
    await until_said(process, "armed, sending")
    (request,) = await kubernetes.items("clusterloader.io/v1alpha1", "networktestrequests")
    path = f"{kubernetes.path('clusterloader.io/v1alpha1', 'networktestrequests')}/{request['metadata']['name']}"
    await kubernetes.api.call("PATCH", path, {"metadata": {"labels": {"looked-at": "yes"}}})
    code, said = await ended(process)
    assert (code, plan.completeness()) == (0, (1, 1)), said
    (values, *_) = [each["data"] for each in plan.perfdata()["dataItems"]]
    assert values["Value"] > 0


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
spec:
  replicas: {{.Replicas}}
  template:
    metadata: {labels: {team: net}}
    spec:
      nodeSelector: {kubernetes.io/os: linux}
      volumes: [{name: scratch, emptyDir: {}}]
      containers:
      - name: worker
        resources: {requests: {cpu: 50m}}
        volumeMounts: [{name: scratch, mountPath: /scratch}]
"""


async def test_a_worker_deployments_pod_is_what_the_workers_are(kubernetes: Kubernetes, tmp_path: Path) -> None:
    """Labels, node selector, resources and volumes."""
    (tmp_path / "deployment.yaml").write_text(DEPLOYMENT)
    plan = Plan(kubernetes, tmp_path, "      workerDeployment: deployment.yaml\n")
    process = plan.begin("--set", "CL2_DURATION=3s")
    await until_said(process, "armed, sending")
    (pod, *_) = await kubernetes.items("v1", "pods", labelSelector="team=net")
    code, said = await ended(process)
    assert (code, plan.completeness()) == (0, (1, 1)), said
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    assert spec["nodeSelector"]["kubernetes.io/os"] == "linux"
    assert container["resources"]["requests"]["cpu"] == "50m"
    assert "/scratch" in {mount["mountPath"] for mount in container["volumeMounts"]}
    assert "scratch" in {volume["name"] for volume in spec["volumes"]}


async def test_the_same_plan_twice_at_once_does_not_disturb_itself(kubernetes: Kubernetes, tmp_path: Path) -> None:
    """Two controllers in one namespace, both complete."""
    plan = Plan(kubernetes, tmp_path)
    processes = [plan.begin("--set", "CL2_DURATION=3s", reports=f"reports-{number}") for number in range(2)]
    for number, process in enumerate(processes):
        code, said = await ended(process)
        assert code == 0, said
        plan.reports = tmp_path / f"reports-{number}"
        assert plan.completeness() == (1, 1)


@pytest.mark.parametrize("moment", ["1 of 2 workers ready", "[step: 02]", "armed, sending"])
async def test_requests_deleted_under_a_run_with_their_definition_are_a_named_failure(
    kubernetes: Kubernetes, tmp_path: Path, moment: str
) -> None:
    """ClusterLoader2 deletes the definition each time it gathers; the next run of ours makes it again."""
    plan = Plan(kubernetes, tmp_path)
    process = plan.begin("--set", "CL2_DURATION=5s")
    await until_said(process, moment)
    await replace(kubernetes, None)
    code, said = await ended(process)
    assert (code, plan.completeness()) == (3, (1, 0)), said
    assert re.search("definition", plan.failures(), re.IGNORECASE)
    again = Plan(kubernetes, tmp_path)
    again.reports = tmp_path / "again"
    code, said = await again.run(reports="again")
    assert (code, again.completeness()) == (0, (1, 1)), said


async def test_clusterloader2s_definition_that_nobody_uses_is_replaced(kubernetes: Kubernetes, tmp_path: Path) -> None:
    """Ours takes its objects as well."""
    await replace(kubernetes, others())
    plan = Plan(kubernetes, tmp_path)
    code, said = await plan.run()
    assert (code, plan.completeness()) == (0, (1, 1)), said
