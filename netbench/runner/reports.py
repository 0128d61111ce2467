"""The files of a report directory: ClusterLoader2's, by its names, and the whole results."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import attrs

from netbench.errors import HostError
from netbench.result.store import write_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from netbench.runner.outcome import CallOutcome, ScenarioOutcome, Summary
    from netbench.runner.plan import Plan, Scenario

__all__ = ("Reports",)

_SUITE = "ClusterLoaderV2"


class Reports:
    """Writes a plan's reports, each as soon as it is there.

    Args:
        directory: Where to; made if it is not there.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._cases = _Cases()
        self.written: list[Path] = []

    def open(self, plan: Plan) -> None:
        """Make the directory, and write what was rendered.

        Raises:
            HostError: It cannot be written; nothing was started.
        """
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"the report directory {self._directory} cannot be made: {error.strerror or error}"
            raise HostError(msg) from error
        for scenario in plan.scenarios:
            text = scenario.files[0].text.decode("utf-8", "replace")
            self._write(f"generatedConfig_{_distinct(scenario)}.yaml", text)

    def add(self, outcome: ScenarioOutcome) -> None:
        """Write the reports of a test.

        Raises:
            HostError: One cannot be written; the others are.
        """
        problems: list[HostError] = []
        self._cases.add(outcome)
        files = {"junit.xml": self._cases.text()}
        for summary in outcome.summaries():
            stem = f"{_distinct(outcome.scenario)}_{summary.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            files |= _files(summary, stem, set(files))
        for name, text in files.items():
            try:
                self._write(name, text)
            except HostError as error:
                problems.append(error)
        if problems:
            raise problems[0]

    def _write(self, name: str, text: str) -> None:
        path = self._directory / name
        write_text(path, text)
        self.written.append(path)


def _distinct(scenario: Scenario) -> str:
    return f"{scenario.name}_{scenario.identifier}" if scenario.identifier else scenario.name


def _files(summary: Summary, stem: str, taken: set[str]) -> dict[str, str]:
    """Give a summary's files by their names; two of one second get numbers."""
    number = 1
    while (name := f"{summary.name}_{stem}{'' if number == 1 else f'_{number}'}.{summary.extension}") in taken:
        number += 1
    files = {name: summary.content}
    if summary.result is not None:
        # Another first word than the report's, so that tools that look for reports do not read it.
        files[f"netbench_{name.removesuffix(f'.{summary.extension}')}.json"] = summary.result.to_json(indent=2)
    return files


@attrs.define
class _Cases:
    """The test cases of junit.xml, in ClusterLoader2's form."""

    suite: ET.Element = attrs.field(factory=lambda: ET.Element("testsuite", name=_SUITE))
    cases: int = 0
    failures: int = 0
    seconds: float = 0.0

    def add(self, outcome: ScenarioOutcome) -> None:
        scenario = outcome.scenario
        self.seconds += outcome.duration_s
        self._case(f"{scenario.name} overall ({scenario.config_path})", outcome.duration_s, outcome.all_failures())
        for step in outcome.steps:
            for call in step.calls:
                name = f"{scenario.name}: {step.name} [{call.index:02}] - {call.identifier}"
                self._case(name, call.duration_s, call.failures, tuple(_verdicts(call)))

    def _case(self, name: str, duration_s: float, failures: tuple[str, ...], verdicts: tuple[str, ...] = ()) -> None:
        case = ET.SubElement(self.suite, "testcase", name=_clean(name), classname=_SUITE, time=f"{duration_s:.6f}")
        self.cases += 1
        if failures:
            self.failures += 1
            failure = ET.SubElement(case, "failure", type="Failure", message=_clean(failures[0].splitlines()[0]))
            failure.text = _clean("\n".join(failures))
        if verdicts:
            ET.SubElement(case, "system-out").text = _clean("\n".join(verdicts))

    def text(self) -> str:
        self.suite.attrib |= {
            "tests": str(self.cases),
            "failures": str(self.failures),
            "errors": "0",
            "time": f"{self.seconds:.6f}",
        }
        ET.indent(self.suite)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(self.suite, encoding="unicode")}\n'


def _verdicts(call: CallOutcome) -> Iterator[str]:
    """Say of each result whether it can be believed, and why not."""
    for summary in call.summaries:
        if summary.result is not None:
            verdict = summary.result.verdict
            yield f"{summary.name}: {verdict}"
            yield from (f"  {doubt}" for doubt in verdict.doubts)


def _clean(text: str) -> str:
    """Leave out what XML cannot hold."""
    return "".join(
        character
        for character in text
        if character in "\t\n"
        or (character >= " " and not "\ud800" <= character <= "\udfff" and character not in "\ufffe\uffff")
    )
