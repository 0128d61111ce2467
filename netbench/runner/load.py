"""Reading a whole plan: every file of it is looked at before anything is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from netbench.errors import UsageError
from netbench.runner.configs import ConfigReader
from netbench.runner.documents import Item, read_document
from netbench.runner.fields import Fields, Key
from netbench.runner.fields import read_text as text_of
from netbench.runner.methods import network as _network  # its methods are in the registry once it is loaded
from netbench.runner.places import Place, Problems, TextPlaces
from netbench.runner.plan import Plan, RenderedFile, Scenario, Step
from netbench.runner.registry import check_call
from netbench.runner.sources import find_file, read_text
from netbench.runner.variables import (
    Variable,
    assigned_variables,
    environment_variables,
    join,
    number_of_nodes,
    override_variables,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ("SUITE_KEYS", "PlanSources", "load_plan")

SUITE_KEYS = (
    Key("identifier", "a text without _", "the test's name in reports", required=True),
    Key("configPath", "a path", "the test's config", required=True),
    Key("overridePaths", "a list of paths", "override files for this test; what a later one says stands"),
)
del _network


@attrs.frozen(kw_only=True)
class PlanSources:
    """Where a plan is read from.

    Attributes:
        files: Configs, or suites (which are lists).
        overrides: Override files for all tests; what a suite names for a test stands against these.
        environment: The environment, of which what begins with ``CL2_`` is used.
        assignments: ``NAME=VALUE``, which stand against everything else.
        nodes: What ``.Nodes`` is; None where that is not known.
        image_registry: What ``.ImageRegistry`` is; None where that is not known.
    """

    files: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    environment: Mapping[str, str] = attrs.field(factory=dict)
    assignments: tuple[str, ...] = ()
    nodes: int | None = None
    image_registry: str | None = None


@attrs.frozen
class _Test:
    """A test before its config is read."""

    identifier: str
    config: str
    named: Item | None = None
    overrides: tuple[tuple[str, Item | None], ...] = ()
    beside: Path | None = None


def _unseen(file: RenderedFile) -> None:
    del file


def load_plan(sources: PlanSources, *, rendered: Callable[[RenderedFile], None] = _unseen) -> Plan:
    """Read and check a plan.

    Args:
        sources: Where it is read from.
        rendered: Called with each file that was rendered, in a plan that turns out to be wrong too.

    Raises:
        PlanError: Something is wrong; the error has all that was found, each with its place.
        UsageError: No file is named.
    """
    if not sources.files:
        msg = "no plan is named: give a config or a suite"
        raise UsageError(msg)
    problems = Problems()
    tests = [test for name in sources.files for test in _tests(name, problems)]
    loader = _Loader(sources, problems, rendered)
    scenarios = tuple(loader.scenario(test) for test in tests)
    problems.raise_any()
    return Plan(scenarios=scenarios, notes=tuple(loader.notes))


class _Loader:
    def __init__(self, sources: PlanSources, problems: Problems, rendered: Callable[[RenderedFile], None]) -> None:
        self._sources = sources
        self._problems = problems
        self._rendered = rendered
        self._assigned = assigned_variables(sources.assignments, problems)
        self.notes: list[str] = []

    def scenario(self, test: _Test) -> Scenario:
        variables = self._variables(test)
        reader = ConfigReader(variables, test.beside, self._problems)
        before = len(self._problems)
        steps = reader.read(test.config, test.named)
        for file in reader.files:
            self._rendered(file)
        steps = self._checked(steps)
        if len(self._problems) == before:
            self._check_order(steps, test.identifier or reader.name)
        return Scenario(
            identifier=test.identifier,
            config_path=test.config,
            name=reader.name,
            steps=steps,
            files=tuple(reader.files),
            variables={name: variable.value for name, variable in variables.items()},
        )

    def _variables(self, test: _Test) -> dict[str, Variable]:
        problems = self._problems
        overrides = override_variables([(name, None) for name in self._sources.overrides], None, problems)
        overrides |= override_variables(test.overrides, test.beside, problems)
        overrides |= number_of_nodes(self._sources.nodes)
        if self._sources.image_registry is not None:
            overrides["ImageRegistry"] = Variable(self._sources.image_registry, "the command line")
        return join(overrides, environment_variables(self._sources.environment), self._assigned, problems)

    def _checked(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """Have every call's method look at its params."""
        return tuple(
            attrs.evolve(
                step,
                calls=tuple(attrs.evolve(call, settings=check_call(call, self._problems)) for call in step.calls),
            )
            for step in steps
        )

    def _check_order(self, steps: tuple[Step, ...], title: str) -> None:
        """Look for a gather without a start, two starts without a gather, and a start that nothing gathers."""
        running: dict[tuple[str, str], str] = {}
        for step in steps:
            seen: set[tuple[str, str]] = set()
            for call in step.calls:
                if call.key in seen:
                    message = f"{call.identifier} is called twice in one step, whose calls are made at the same time"
                    self._problems.add(message, call.place, call.where)
                seen.add(call.key)
                action = call.params.get("action")
                if action == "start" and call.key in running:
                    message = f"{call.identifier} was started before and not gathered since"
                    self._problems.add(message, call.place, call.where)
                elif action == "gather" and running.pop(call.key, None) is None:
                    message = f"{call.identifier} is gathered and was not started"
                    self._problems.add(message, call.place, call.where)
                if action == "start":
                    running[call.key] = call.where
        for (_, identifier), where in running.items():
            self.notes.append(f"{title}: {where}: {identifier} is started and never gathered; that test will fail")


def _tests(name: str, problems: Problems) -> list[_Test]:
    """Give the tests of a file: one for a config, and those that a suite lists."""
    path = find_file(name, None)
    text = read_text(path, problems)
    if text is None:
        return []
    if "{{" in text:
        # Suites are no templates.
        return [_Test("", name)]
    places = TextPlaces(str(path), text)
    unseen = Problems()
    document = read_document(text, lambda line, column: places.at(places.offset(line, column)), unseen)
    if document is None or document.kind != "list":
        # Whoever reads it as a config says what is wrong.
        return [_Test("", name)]
    problems.extend(unseen)
    return _suite(document, path, problems)


def _suite(document: Item, path: Path, problems: Problems) -> list[_Test]:
    tests: list[_Test] = []
    identifiers: dict[str, Place] = {}
    if not document.items():
        problems.add("the suite is empty", document.place)
    for item in document.items():
        fields = Fields(item, SUITE_KEYS, problems, any_case=True)
        identifier, config = fields.text("identifier"), fields.text("configPath")
        if identifier is None or config is None:
            continue
        identifier = identifier.strip()
        if "_" in identifier or "/" in identifier:
            fields.wrong("identifier", f"{identifier!r}: file names are made of it, in which _ and / separate parts")
        if identifier in identifiers:
            line = identifiers[identifier].line
            fields.wrong("identifier", f"{identifier!r} is the name of another test, in line {line}")
        identifiers[identifier] = item.place
        tests.append(
            _Test(identifier, config.strip(), fields.item("configPath"), _override_names(fields, problems), path)
        )
    return tests


def _override_names(fields: Fields, problems: Problems) -> tuple[tuple[str, Item | None], ...]:
    item = fields.item("overridePaths")
    if item is None:
        return ()
    if item.kind != "list":
        problems.add(f"a list of paths was expected, not {item.described()}", item.place, item.where)
    names = [(text_of(each, problems), each) for each in item.items()]
    return tuple((name.strip(), each) for name, each in names if name is not None)
