"""Where a plan's files and variables come from, and which of two stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import netbench as nb
from tests.unit.runner.plans import CONFIG, load, write

if TYPE_CHECKING:
    from pathlib import Path

OVERRIDE = "DURATION: 10s\nPROTOCOL: TCP\nSERVERS: 1\nCLIENTS: 1\n"
STEP = """\
- measurements:
  - {Identifier: net, Method: NetworkPerformanceMetrics, Params: {action: start, duration: 1s, protocol: TCP,
     numberOfServers: 1, numberOfClients: 1}}
- measurements: [{Identifier: net, Method: NetworkPerformanceMetrics, Params: {action: gather}}]
"""


def indented(text: str) -> str:
    """Move a text two columns in."""
    return "".join(f"  {line}\n" for line in text.splitlines())


def started(plan: nb.Plan, scenario: int = 0) -> dict[str, Any]:
    """Give the Params of the first call of a test."""
    return plan.scenarios[scenario].steps[0].calls[0].params


def messages(directory: Path, *names: str, **more: Any) -> list[str]:  # noqa: ANN401 - whatever PlanSources takes
    """Give what is said of a plan that is wrong."""
    with pytest.raises(nb.PlanError) as caught:
        load(directory, *names, **more)
    return [problem.message for problem in caught.value.problems]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Give a directory with a config, its override, and another one that changes two of its values."""
    write(tmp_path, config=CONFIG, override=OVERRIDE, other="PROTOCOL: UDP\nCLIENTS: 4\nSERVERS: 4\n")
    return tmp_path


def test_an_override_file_gives_the_variables(files: Path) -> None:
    """Its numbers are numbers."""
    plan = load(files, "config", overrides=(str(files / "override.yaml"),))
    assert started(plan) == {
        "action": "start",
        "duration": "10s",
        "protocol": "TCP",
        "numberOfServers": 1,
        "numberOfClients": 1,
    }


def test_the_later_override_file_stands(files: Path) -> None:
    """Value by value."""
    names = tuple(str(files / f"{name}.yaml") for name in ("override", "other"))
    given = started(load(files, "config", overrides=names))
    assert (given["protocol"], given["numberOfClients"], given["duration"]) == ("UDP", 4, "10s")


def test_what_a_suite_names_stands_against_the_command_lines_override(files: Path) -> None:
    """As in ClusterLoader2, where a scenario's file is read last."""
    write(files, suite="- {identifier: one, configPath: config.yaml, overridePaths: [other.yaml]}\n")
    plan = load(files, "suite", overrides=(str(files / "override.yaml"),))
    assert started(plan)["protocol"] == "UDP"


def test_a_suite_gives_a_test_for_each_entry(files: Path) -> None:
    """In its order, by their identifiers."""
    entries = [
        f"- identifier: {name}\n  configPath: config.yaml\n  overridePaths:\n  - override.yaml\n  - other.yaml\n"
        for name in ("tcp-1:1", "udp-4:4")
    ]
    write(files, suite="".join(entries))
    assert [scenario.title for scenario in load(files, "suite").scenarios] == ["tcp-1:1", "udp-4:4"]


def test_the_command_lines_assignment_stands_against_every_file(files: Path) -> None:
    """It was asked for last."""
    plan = load(files, "config", overrides=(str(files / "override.yaml"),), assignments=("PROTOCOL=HTTP",))
    assert started(plan)["protocol"] == "HTTP"


def test_variables_of_the_environment_are_those_with_the_prefix(files: Path) -> None:
    """Others are nobody's business."""
    write(files, config=CONFIG.replace(".PROTOCOL", ".CL2_PROTOCOL"))
    sources = {"overrides": (str(files / "override.yaml"),)}
    plan = load(files, "config", environment={"CL2_PROTOCOL": "HTTP", "PROTOCOL": "UDP"}, **sources)
    assert started(plan)["protocol"] == "HTTP"


def test_the_same_value_from_environment_and_file_is_no_conflict(files: Path) -> None:
    """Though one is a text and the other a number."""
    write(files, config=CONFIG.replace(".CLIENTS", ".CL2_CLIENTS"), more="CL2_CLIENTS: 1\n")
    names = tuple(str(files / f"{name}.yaml") for name in ("override", "more"))
    plan = load(files, "config", overrides=names, environment={"CL2_CLIENTS": "1"})
    assert plan.scenarios[0].variables["CL2_CLIENTS"] == 1


def test_different_values_from_environment_and_file_are_refused(files: Path) -> None:
    """Whichever won would be wrong for somebody."""
    write(files, config=CONFIG, more=OVERRIDE + "CL2_X: 1\n")
    said = messages(files, "config", overrides=(str(files / "more.yaml"),), environment={"CL2_X": "2"})
    assert said == ["CL2_X is 1 here and 2 in the environment's CL2_X: give it in one place, or both the same"]


def test_a_missing_variable_is_named_with_those_that_exist(files: Path) -> None:
    """All that are missing, at once."""
    said = messages(files, "config", overrides=(str(files / "other.yaml"),))
    assert len(said) == 1
    assert ".DURATION" in said[0]
    assert "PROTOCOL" in said[0]


@pytest.mark.parametrize("assignment", ["PROTOCOL", "=TCP", "A-B=1", ""])
def test_an_assignment_that_is_none_is_refused(files: Path, assignment: str) -> None:
    """With its form."""
    said = messages(files, "config", overrides=(str(files / "override.yaml"),), assignments=(assignment,))
    assert said == [f"--set takes NAME=VALUE, not {assignment!r}"]


def test_paths_are_looked_for_beside_the_file_that_names_them(files: Path) -> None:
    """From any working directory."""
    inner = files / "inner"
    inner.mkdir()
    write(files, suite="- {identifier: one, configPath: inner/config.yaml, overridePaths: [override.yaml]}\n")
    write(inner, config=CONFIG)
    assert load(files, "suite").scenarios[0].name == "example"


def test_the_working_directorys_file_is_preferred(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in ClusterLoader2."""
    here = files / "here"
    here.mkdir()
    write(here, override=OVERRIDE.replace("TCP", "UDP"))
    write(files, suite="- {identifier: one, configPath: config.yaml, overridePaths: [override.yaml]}\n")
    monkeypatch.chdir(here)
    assert started(load(files, "suite"))["protocol"] == "UDP"


def test_a_modules_steps_take_its_place(files: Path) -> None:
    """With the module's params as variables."""
    write(
        files,
        module="steps:\n" + STEP.replace("TCP", "{{.Protocol}}"),
        main="name: main\nsteps:\n- module: {path: module.yaml, params: {Protocol: UDP}}\n"
        "- module: {path: module.yaml, params: {Protocol: HTTP}}\n",
    )
    plan = load(files, "main")
    assert [step.calls[0].params.get("protocol") for step in plan.scenarios[0].steps] == ["UDP", None, "HTTP", None]


def test_a_mistake_in_a_module_is_at_its_own_place(files: Path) -> None:
    """Not at the config's."""
    write(
        files,
        module="steps:\n" + STEP.replace("duration: 1s", "duration: 1"),
        main="name: main\nsteps:\n- module: {path: module.yaml}\n",
    )
    with pytest.raises(nb.PlanError) as caught:
        load(files, "main")
    (problem,) = caught.value.problems
    assert (problem.path, problem.line) == (str(files / "module.yaml"), 3)


def test_the_number_of_nodes_is_a_variable(files: Path) -> None:
    """Where it is known."""
    write(files, nodes="name: nodes{{.Nodes}}\nsteps:\n" + STEP)
    assert load(files, "nodes", nodes=7).scenarios[0].name == "nodes7"


def test_instances_are_calls_with_common_params(files: Path) -> None:
    """Each with its own Params beside them."""
    common = "action: start, duration: 1s, numberOfServers: 1, numberOfClients: 1"
    instances = "[{Identifier: a, Params: {protocol: TCP}}, {Identifier: b, Params: {protocol: UDP}}]"
    call = f"{{Method: NetworkPerformanceMetrics, Params: {{{common}}}, Instances: {instances}}}"
    write(files, several=f"name: several\nsteps:\n- measurements: [{call}]\n")
    calls = load(files, "several").scenarios[0].steps[0].calls
    assert [(call.identifier, call.params["protocol"]) for call in calls] == [("a", "TCP"), ("b", "UDP")]


def test_a_start_that_nothing_gathers_is_told_before_the_run(files: Path) -> None:
    """It is no mistake of the file's form, and the run will fail."""
    first = "".join(STEP.splitlines(keepends=True)[:3])
    write(files, started=f"name: started\nsteps:\n{first}")
    (note,) = load(files, "started").notes
    assert "net is started and never gathered" in note


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (STEP.splitlines()[-1] + "\n", "net is gathered and was not started"),
        ("".join(STEP.splitlines(keepends=True)[:3]) + STEP, "net was started before and not gathered since"),
    ],
)
def test_actions_out_of_order_are_refused(files: Path, steps: str, message: str) -> None:
    """Before anything is created."""
    write(files, wrong=f"name: wrong\nsteps:\n{steps}")
    assert messages(files, "wrong") == [message]


def test_no_file_at_all_is_misuse() -> None:
    """There is nothing to run."""
    with pytest.raises(nb.UsageError):
        nb.load_plan(nb.PlanSources(files=()))


def test_every_test_of_a_suite_is_looked_at(files: Path) -> None:
    """What is wrong in the second is said with what is wrong in the first."""
    suite = "".join(f"- {{identifier: {name}, configPath: {name}.yaml}}\n" for name in ("one", "two"))
    write(files, suite=suite, one="name: 1\nsteps: []\n", two="steps: 2\n")
    with pytest.raises(nb.PlanError) as caught:
        load(files, "suite")
    assert {problem.path for problem in caught.value.problems} == {str(files / "one.yaml"), str(files / "two.yaml")}


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
spec:
  replicas: {{.Replicas}}
  template:
    metadata:
      labels: {team: net}
    spec:
      nodeSelector: {disk: fast}
      volumes: [{name: scratch, emptyDir: {}}]
      containers:
      - name: worker
        image: example/python:3.13
        args: [--x]
        resources: {limits: {cpu: "2"}}
"""


def worker_arguments(directory: Path, params: str) -> dict[str, Any]:
    """Give what a start with more Params hands to WorkerFleet."""
    write(
        directory,
        deployment=DEPLOYMENT,
        worker="name: worker\nsteps:\n" + STEP.replace("action: start", f"action: start, {params}"),
    )
    settings = load(directory, "worker").scenarios[0].steps[0].calls[0].settings
    return dict(settings.worker.arguments)


def test_a_worker_deployments_pod_is_taken_over(files: Path) -> None:
    """Image, resources, labels, volumes, nodes."""
    given = worker_arguments(files, "workerDeployment: deployment.yaml")
    container = {"name": "worker", "resources": {"limits": {"cpu": "2"}}}
    assert given == {
        "image": "example/python:3.13",
        "node_selector": {"disk": "fast"},
        "labels": {"team": "net"},
        "pod_patch": {"spec": {"volumes": [{"name": "scratch", "emptyDir": {}}], "containers": [container]}},
    }


def test_what_params_say_of_workers_stands_against_the_deployment(files: Path) -> None:
    """It is the more special."""
    given = worker_arguments(files, "workerDeployment: deployment.yaml, worker: {image: other/python}")
    assert given["image"] == "other/python"


def test_what_a_deployment_says_in_vain_is_told(files: Path) -> None:
    """Arguments are for another worker."""
    worker_arguments(files, "workerDeployment: deployment.yaml")
    settings = load(files, "worker").scenarios[0].steps[0].calls[0].settings
    assert "args of the container are not used" in settings.worker.notes[0]


def test_host_network_is_a_path(files: Path) -> None:
    """As other tools call it."""
    assert worker_arguments(files, "path: host-network") == {"host_network": True}


@pytest.mark.parametrize(
    ("clients", "servers", "extra", "pairing"),
    [
        (1, 1, "", nb.CrossNode()),
        (4, 4, "", nb.CrossNode()),
        (3, 1, "", nb.Ratio(clients=3, servers=1)),
        (2, 3, "", nb.Ratio(clients=2, servers=3)),
        (2, 2, ", pairing: same-node", nb.SameNode()),
        (2, 2, ", pairing: any", nb.Ratio(clients=2, servers=2)),
    ],
)
def test_numbers_of_clients_and_servers_choose_the_pairing(
    files: Path, clients: int, servers: int, extra: str, pairing: nb.PairingStrategy
) -> None:
    """Unless it is named."""
    numbers = f"numberOfServers: {servers}, numberOfClients: {clients}{extra}"
    write(files, ratio="name: r\nsteps:\n" + STEP.replace("numberOfServers: 1, numberOfClients: 1", numbers))
    assert load(files, "ratio").scenarios[0].steps[0].calls[0].settings.pairing == pairing


@pytest.mark.parametrize(
    ("params", "traffic"),
    [
        ("protocol: TCP, rate: 100M, streams: 4", nb.Tcp(rate_bps=1e8, streams=4)),
        ("protocol: UDP, ratePps: 10k, payload: 64", nb.Udp(rate_pps=1e4, payload_bytes=64)),
        ("protocol: UDP, rate: 2.5G", nb.Udp(rate_bps=2.5e9)),
        ("protocol: HTTP, rate: 500, connections: 2", nb.Http(rate_rps=500, connections=2)),
        ("protocol: HTTP, requestBytes: 10", nb.Http(method="POST", request_bytes=10)),
        ("protocol: udp", nb.Udp()),
    ],
)
def test_traffic_is_the_public_apis(files: Path, params: str, traffic: nb.Traffic) -> None:
    """Its names in plans are ClusterLoader2's style."""
    write(
        files, traffic="name: t\nsteps:\n" + STEP.replace("protocol: TCP", params).replace("     number", "   number")
    )
    assert load(files, "traffic").scenarios[0].steps[0].calls[0].settings.measurement.traffic == traffic
