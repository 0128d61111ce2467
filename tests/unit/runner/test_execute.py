"""Running plans: steps in order, calls of a step together, failures kept, everything disposed of."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import anyio
import pytest

import netbench as nb
from netbench.runner import registry
from netbench.runner.reports import Reports
from tests.support.virtual_time import VirtualTimeLoop
from tests.unit.result.builders import make_result, tcp_outcome
from tests.unit.runner.plans import load, write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from netbench.runner import PlanOutcome, ScenarioOutcome
    from netbench.runner.places import Problems

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run in virtual time."""
    return "asyncio", {"loop_factory": VirtualTimeLoop}


class Probe:
    """A method that notes what is asked of it, and does what its Params say."""

    log: list[str]

    @staticmethod
    def check(call: nb.MethodCall, problems: Problems) -> object:
        """Take anything but the word bad."""
        if call.params.get("do") == "bad":
            problems.add("bad is not good", call.place, call.where)
        return "checked"

    async def execute(self, call: nb.MethodCall, context: nb.MethodContext) -> Sequence[nb.Summary]:
        """Do it."""
        assert call.settings == "checked"
        self.log.append(f"{call.identifier} begins")
        await anyio.sleep(float(call.params.get("seconds", 0)))
        match call.params.get("do"):
            case "fail":
                msg = "as it was told"
                raise nb.StateError(msg)
            case "break":
                msg = "in its code"
                raise ZeroDivisionError(msg)
            case "report":
                return [nb.Summary(name="Probe", content="{}", result=make_result(tcp_outcome(1024)))]
            case "miss":
                return [nb.Summary(name="Probe", content="{}", failures=("too little",))]
        context.tell(f"{call.identifier} told")
        self.log.append(f"{call.identifier} ends")
        return ()

    async def dispose(self) -> None:
        """Note it."""
        self.log.append("disposed")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Add the method for one test, and give what its instances note."""
    monkeypatch.setattr(registry, "_METHODS", dict(registry._METHODS))
    notes: list[str] = []
    nb.measurement_method("Probe")(type("Probe", (Probe,), {"log": notes}))
    return notes


def plan_of(directory: Path, *steps: str, names: Sequence[str] = ("config",)) -> nb.Plan:
    """Give a plan with these calls in its steps; calls of one step are separated by |."""
    text = "steps:\n"
    for step in steps:
        text += "- name: a step\n  measurements:\n"
        for call in step.split("|"):
            identifier, _, params = call.strip().partition(" ")
            text += f"  - {{Identifier: {identifier}, Method: Probe, Params: {{{params}}}}}\n"
    write(directory, **{name: f"name: {name}\n{text}" for name in names})
    return load(directory, *names)


async def outcome_of(plan: nb.Plan, **more: Any) -> PlanOutcome:  # noqa: ANN401 - whatever run_plan takes
    """Run it; its methods leave the cluster alone."""
    return await nb.run_plan(plan, nb.Cluster.local(), **more)


async def test_steps_run_in_order_and_calls_of_a_step_together(tmp_path: Path, log: list[str]) -> None:
    """The longer one of the first step ends before the second begins."""
    await outcome_of(plan_of(tmp_path, "a seconds: 2 | b seconds: 1", "c"))
    assert log[:6] == ["a begins", "b begins", "b ends", "a ends", "c begins", "c ends"]


async def test_an_instance_lives_from_its_first_call_to_its_tests_end(tmp_path: Path, log: list[str]) -> None:
    """One for each identifier."""
    await outcome_of(plan_of(tmp_path, "a", "a", "b"))
    assert log.count("disposed") == 2


@pytest.mark.parametrize(
    ("do", "failure"),
    [("fail", "as it was told"), ("break", "ZeroDivisionError: in its code"), ("miss", "too little")],
)
async def test_a_call_that_fails_is_named_and_the_others_go_on(
    tmp_path: Path, log: list[str], do: str, failure: str
) -> None:
    """In its step and in the next."""
    outcome = await outcome_of(plan_of(tmp_path, f"a do: {do} | b seconds: 1", "c"))
    assert outcome.scenarios[0].all_failures() == (f"[step: 01] a step [00] - a: {failure}",)
    assert (outcome.passed, log[-3:-1]) == (False, ["disposed", "disposed"])
    assert "c ends" in log


async def test_a_failed_test_does_not_keep_the_next_from_running(tmp_path: Path, log: list[str]) -> None:
    """Each has an outcome."""
    del log
    outcome = await outcome_of(plan_of(tmp_path, "a do: fail", names=("one", "two")))
    assert [bool(each.all_failures()) for each in outcome.scenarios] == [True, True]


async def test_a_start_that_nothing_gathers_fails_the_test(tmp_path: Path, log: list[str]) -> None:
    """And is disposed of."""
    outcome = await outcome_of(plan_of(tmp_path, "a action: start"))
    assert outcome.scenarios[0].all_failures() == ("a (steps[0].measurements[0]) was started and never gathered",)
    assert log[-1] == "disposed"


async def test_an_interrupted_test_has_an_outcome(tmp_path: Path, log: list[str]) -> None:
    """With the step that was interrupted, and everything disposed of."""
    seen: list[ScenarioOutcome] = []
    with anyio.move_on_after(1):
        await outcome_of(plan_of(tmp_path, "a", "b seconds: 10"), finished=seen.append)
    assert [len(step.calls) for step in seen[0].steps] == [1, 0]
    assert seen[0].failures == ("the test was interrupted",)
    assert log.count("disposed") == 2


async def test_what_check_refuses_is_a_problem_of_the_plan(tmp_path: Path, log: list[str]) -> None:
    """At the call's place."""
    del log
    with pytest.raises(nb.PlanError) as caught:
        plan_of(tmp_path, "a do: bad")
    assert [(each.line, each.message) for each in caught.value.problems] == [(5, "bad is not good")]


@pytest.mark.usefixtures("log")
def test_a_name_is_given_to_one_method_only() -> None:
    """Or nobody would know which is called."""
    with pytest.raises(nb.InvalidArgumentError, match="no other method has"):
        nb.measurement_method("Probe")(Probe)


@pytest.mark.usefixtures("log")
def test_a_method_needs_execute_and_dispose() -> None:
    """Said when it is added, not when it is called."""
    with pytest.raises(nb.InvalidArgumentError, match=r"execute\(\) and dispose\(\)"):
        nb.measurement_method("Half")(int)  # type: ignore[type-var] # wrong on purpose


def install(directory: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Have a package there that announces the method Installed."""
    (directory / "their_package.py").write_text(code)
    info = directory / "their_package-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[netbench.measurement_methods]\nInstalled = their_package:Installed\n")
    monkeypatch.syspath_prepend(str(directory))
    monkeypatch.delitem(sys.modules, "their_package", raising=False)


INSTALLED = """\
class Installed:
    async def execute(self, call, context):
        context.tell(f"installed {call.params['word']}")
        return ()

    async def dispose(self):
        pass
"""


async def test_an_installed_packages_method_is_found_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: list[str]
) -> None:
    """Nothing has to be imported for it."""
    install(tmp_path, monkeypatch, INSTALLED)
    write(tmp_path, theirs="name: t\nsteps:\n- measurements: [{Identifier: i, Method: Installed, Params: {word: w}}]\n")
    outcome = await outcome_of(load(tmp_path, "theirs"), tell=log.append)
    assert outcome.passed
    assert "installed w" in log


async def test_an_installed_method_that_cannot_be_loaded_is_a_problem_of_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: list[str]
) -> None:
    """With its place, and no traceback."""
    del log
    install(tmp_path, monkeypatch, "import nothing_of_this_name\n")
    write(tmp_path, theirs="name: t\nsteps:\n- measurements: [{Identifier: i, Method: Installed, Params: {}}]\n")
    with pytest.raises(nb.PlanError, match="Installed cannot be used: ModuleNotFoundError"):
        load(tmp_path, "theirs")


async def reported(directory: Path, *steps: str) -> tuple[Path, ScenarioOutcome]:
    """Run a plan and write its reports."""
    plan = plan_of(directory, *steps)
    reports = Reports(directory / "reports")
    reports.open(plan)
    outcome = await outcome_of(plan)
    reports.add(outcome.scenarios[0])
    return directory / "reports", outcome.scenarios[0]


async def test_reports_have_clusterloader2s_names(tmp_path: Path, log: list[str]) -> None:
    """And the whole result another first word, so that tools which look for reports pass it by."""
    del log
    reports, outcome = await reported(tmp_path, "a do: report")
    stem = f"Probe_config_{outcome.summaries()[0].at:%Y-%m-%dT%H:%M:%SZ}.json"
    assert {path.name for path in reports.iterdir()} == {
        "generatedConfig_config.yaml",
        "junit.xml",
        stem,
        f"netbench_{stem}",
    }
    assert nb.Result.load(reports / f"netbench_{stem}") == outcome.summaries()[0].result


async def test_two_reports_of_one_second_have_two_files(tmp_path: Path, log: list[str]) -> None:
    """None is written over."""
    del log
    reports, _ = await reported(tmp_path, "a do: report | b do: report")
    assert len(list(reports.glob("Probe_*.json"))) == 2


async def test_junit_says_of_each_result_whether_it_can_be_believed(tmp_path: Path, log: list[str]) -> None:
    """In the case that reports it."""
    del log
    reports, outcome = await reported(tmp_path, "a do: report")
    result = outcome.summaries()[0].result
    assert result is not None
    (said,) = ET.parse(reports / "junit.xml").getroot().iter("system-out")
    assert said.text == "\n".join([f"Probe: {result.verdict}", *(f"  {doubt}" for doubt in result.verdict.doubts)])


async def test_junit_names_each_failure_in_its_case(tmp_path: Path, log: list[str]) -> None:
    """The test's own case has them all."""
    del log
    reports, _ = await reported(tmp_path, "a do: fail | b", "c do: miss")
    suite = ET.parse(reports / "junit.xml").getroot()
    failed = {case.attrib["name"]: [each.text for each in case.iter("failure")] for case in suite}
    path = str(tmp_path / "config.yaml")
    assert failed == {
        f"config overall ({path})": [
            "[step: 01] a step [00] - a: as it was told\n[step: 02] a step [00] - c: too little"
        ],
        "config: [step: 01] a step [00] - a": ["as it was told"],
        "config: [step: 01] a step [01] - b": [],
        "config: [step: 02] a step [00] - c": ["too little"],
    }
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("4", "3")


async def test_a_report_directory_that_cannot_be_made_is_named_before_anything_starts(
    tmp_path: Path, log: list[str]
) -> None:
    """With its reason."""
    (tmp_path / "file").touch()
    reports = Reports(tmp_path / "file" / "reports")
    with pytest.raises(nb.HostError, match="Not a directory"):
        reports.open(plan_of(tmp_path, "a"))
    assert not log


async def test_a_report_that_cannot_be_written_is_named_and_the_others_are_written(
    tmp_path: Path, log: list[str]
) -> None:
    """Here something else has its name."""
    del log
    plan = plan_of(tmp_path, "a do: report")
    reports = Reports(tmp_path / "reports")
    reports.open(plan)
    outcome = await outcome_of(plan)
    (tmp_path / "reports" / "junit.xml").mkdir()
    with pytest.raises(nb.HostError, match=r"junit\.xml"):
        reports.add(outcome.scenarios[0])
    assert len(list((tmp_path / "reports").glob("*Probe_*.json"))) == 2


async def test_a_generated_config_is_what_was_rendered(tmp_path: Path, log: list[str]) -> None:
    """Byte for byte."""
    del log
    reports, outcome = await reported(tmp_path, "a")
    assert (reports / "generatedConfig_config.yaml").read_bytes() == outcome.scenario.files[0].text
