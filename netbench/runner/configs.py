"""A test config: rendered, read, its modules written out."""

from __future__ import annotations

import os
import re
from functools import partial
from typing import TYPE_CHECKING

import attrs

from netbench.runner.calls import MethodCall
from netbench.runner.documents import Item, read_document
from netbench.runner.fields import Fields, Key, suggestion
from netbench.runner.places import Place, Problems, TextPlaces
from netbench.runner.plan import RenderedFile, Step
from netbench.runner.registry import method_names
from netbench.runner.sources import find_file, read_file, read_text
from netbench.runner.template import CallError, Rendered, TemplateError, render

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from netbench.runner.variables import Variable

__all__ = ("CALL_KEYS", "CONFIG_KEYS", "MODULE_KEYS", "NAMESPACE_KEYS", "STEP_KEYS", "ConfigReader")

_MEASURES = "netbench runs measurements, and leaves this to ClusterLoader2"
CONFIG_KEYS = (
    Key("name", "a text", "the test's name, which reports carry", required=True),
    Key("namespace", "a mapping", "see below; netbench makes a namespace of its own"),
    Key("steps", "a list of steps", "run one after the other", required=True),
    Key("automanagedNamespaces", "", "", refused="netbench makes one namespace of its own; leave it out"),
    Key("chaosMonkey", "", "", refused=_MEASURES),
    Key("dependencies", "", "", refused=_MEASURES),
    Key("tuningSets", "", "", refused=_MEASURES),
)
_ONE_NAMESPACE = "netbench makes one namespace of its own and removes it; leave it out"
NAMESPACE_KEYS = (
    Key("number", "a whole number above 0", "taken and not used: netbench makes one namespace of its own"),
    Key("prefix", "", "", refused="the namespace's name is netbench's, or --namespace's"),
    Key("deleteStaleNamespaces", "", "", refused=_ONE_NAMESPACE),
    Key("deleteAutomanagedNamespaces", "", "", refused=_ONE_NAMESPACE),
    Key("enableExistingNamespaces", "", "", refused=_ONE_NAMESPACE),
    Key("deleteNamespaceTimeout", "", "", refused=_ONE_NAMESPACE),
)
STEP_KEYS = (
    Key("name", "a text", "the step's name in reports"),
    Key("measurements", "a list of calls", "made at the same time"),
    Key("module", "a mapping: path, params", "steps of another file, which take this one's place"),
    Key("phases", "", "", refused=_MEASURES),
)
MODULE_KEYS = (
    Key("path", "a path", "a template with a list of steps", required=True),
    Key("params", "a mapping", "variables of that template, beside this one's"),
)
_MODULE_FILE_KEYS = (Key("steps", "a list of steps", "", required=True),)
CALL_KEYS = (
    Key("Identifier", "a text", "tells instances of a method apart"),
    Key("Method", "a text", "the measurement method", required=True),
    Key("Params", "a mapping", "what the method is given"),
    Key("Instances", "a list of Identifier and Params", "several calls with common Params"),
)
_INSTANCE_KEYS = (CALL_KEYS[0], CALL_KEYS[2])
#: Modules within modules; more is a circle.
_MODULE_DEPTH_MAX = 20


@attrs.define
class ConfigReader:
    """Reads one test's config and its modules.

    Attributes:
        variables: What templates are given.
        beside: The suite that names the config.
        problems: Where problems are noted.
        files: What has been rendered so far.
        name: The config's name; empty until it is read.
    """

    variables: Mapping[str, Variable]
    beside: Path | None
    problems: Problems
    files: list[RenderedFile] = attrs.field(factory=list)
    name: str = ""

    def read(self, name: str, named: Item | None = None) -> tuple[Step, ...]:
        """Read the config of this name, which an item of a suite may have named."""
        path = find_file(name, self.beside)
        document = self._rendered(path, {}, named)
        if document is None:
            return ()
        fields = Fields(document, CONFIG_KEYS, self.problems, any_case=True)
        self.name = (fields.text("name") or "").strip()
        if "/" in self.name or "\0" in self.name:
            fields.wrong("name", "the name becomes part of file names and cannot hold /")
        namespace = fields.item("namespace")
        if namespace is not None:
            Fields(namespace, NAMESPACE_KEYS, self.problems, any_case=True).integer("number", at_least=1)
        return self._steps(fields.item("steps"), path, {}, ())

    # -- templates -----------------------------------------------------------------------------------------------------

    def _rendered(self, path: Path, params: Mapping[str, object], named: Item | None) -> Item | None:
        place = named.place if named else None
        text = read_text(path, self.problems, place, named.where if named else "")
        if text is None:
            return None
        places = TextPlaces(str(path), text)
        values = {name: variable.value for name, variable in self.variables.items()} | dict(params)
        try:
            rendered = render(text, values, include=partial(_include, path), include_embedded=partial(_include, path))
        except TemplateError as error:
            for each in error.all():
                self.problems.add(each.message, places.at(each.offset))
            return None
        self.files.append(RenderedFile(path=path, text=rendered.text))
        document = read_document(
            rendered.text.decode("utf-8", "surrogateescape"), _Origin(rendered, places).at, self.problems
        )
        if document is None and not self.problems:
            self.problems.add("the file is empty", Place(path=str(path)))
        return document

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _steps(
        self, item: Item | None, path: Path, params: Mapping[str, object], modules: tuple[Path, ...]
    ) -> tuple[Step, ...]:
        if item is None:
            return ()
        if item.kind != "list" or not item.items():
            what = "an empty list" if item.kind == "list" else item.described()
            self.problems.add(f"a list of steps was expected, not {what}", item.place, item.where)
        steps: list[Step] = []
        for each in item.items():
            fields = Fields(each, STEP_KEYS, self.problems, any_case=True)
            if not fields.good:
                continue
            kinds = [name for name in ("measurements", "module") if fields.item(name) is not None]
            if len(kinds) != 1 and "phases" not in {entry.name.lower() for entry in each.entries()}:
                has = "both" if kinds else "neither"
                message = f"a step has either measurements or a module, and this one has {has}"
                self.problems.add(message, each.place, each.where)
            elif kinds == ["module"]:
                steps.extend(self._module(fields, path, params, modules))
            elif kinds:
                steps.append(Step(name=(fields.text("name") or "").strip(), calls=self._calls(fields)))
        return tuple(steps)

    def _module(
        self, fields: Fields, path: Path, params: Mapping[str, object], modules: tuple[Path, ...]
    ) -> tuple[Step, ...]:
        item = fields.item("module")
        assert item is not None  # noqa: S101 - whoever calls has seen it
        module = Fields(item, MODULE_KEYS, self.problems, any_case=True)
        name = module.text("path")
        given = module.item("params")
        if given is not None and given.kind != "map":
            self.problems.add(f"a mapping was expected, not {given.described()}", given.place, given.where)
            return ()
        if name is None:
            return ()
        target = find_file(name, path)
        named = module.item("path")
        if len(modules) >= _MODULE_DEPTH_MAX or len(self.files) > 10 * _MODULE_DEPTH_MAX:
            chain = " > ".join(each.name for each in (*modules, target)[-4:])
            self.problems.add(f"modules go round in a circle, or too deep: {chain}", item.place, item.where)
            return ()
        inner = {**params, **{entry.name: entry.item.plain() for entry in given.entries()}} if given else dict(params)
        document = self._rendered(target, inner, named)
        if document is None:
            return ()
        steps = Fields(document, _MODULE_FILE_KEYS, self.problems, any_case=True).item("steps")
        return self._steps(steps, target, inner, (*modules, target))

    def _calls(self, fields: Fields) -> tuple[MethodCall, ...]:
        item = fields.item("measurements")
        assert item is not None  # noqa: S101 - whoever calls has seen it
        if item.kind != "list" or not item.items():
            self.problems.add("a list of measurement calls was expected", item.place, item.where)
        return tuple(call for each in item.items() for call in self._call(each))

    def _call(self, item: Item) -> tuple[MethodCall, ...]:
        fields = Fields(item, CALL_KEYS, self.problems, any_case=True)
        method = fields.text("Method")
        if method is None:
            return ()
        if method not in method_names():
            fields.wrong("Method", f"there is no measurement method {method}{suggestion(method, method_names())}")
            return ()
        instances = fields.item("Instances")
        if (instances is None) == (fields.item("Identifier") is None):
            what = "neither" if instances is None else "both"
            self.problems.add(
                f"a call has either an Identifier or Instances, and this one has {what}", item.place, item.where
            )
            return ()
        common = fields.item("Params")
        if instances is None:
            identifier = fields.text("Identifier")
            return () if identifier is None else (_method_call(method, identifier, item, (common,)),)
        calls: list[MethodCall] = []
        for each in instances.items():
            inner = Fields(each, _INSTANCE_KEYS, self.problems, any_case=True)
            identifier = inner.text("Identifier")
            if identifier is None:
                self.problems.add("Identifier is missing: a text", each.place, each.where)
            else:
                calls.append(_method_call(method, identifier, each, (common, inner.item("Params"))))
        return tuple(calls)


def _method_call(method: str, identifier: str, item: Item, params: tuple[Item | None, ...]) -> MethodCall:
    """Make a call; of Params that are given twice the later ones stand."""
    entries = {entry.name: entry for each in params if each is not None for entry in each.entries()}
    last = next((each for each in reversed(params) if each is not None), None)
    joined = Item(
        tuple(entries.values()) if last is None or last.kind == "map" else last.value,
        "map" if last is None else last.kind,
        last.place if last is not None else item.place,
        last.where if last is not None else f"{item.where}.Params",
        last.text if last is not None else "",
    )
    values = joined.plain()
    return MethodCall(
        method=method,
        identifier=identifier.strip(),
        params=values if isinstance(values, dict) else {},
        item=joined,
        place=item.place,
        where=item.where,
    )


@attrs.frozen
class _Origin:
    """Finds the place in a template from which a place in the rendered text comes."""

    rendered: Rendered
    places: TextPlaces

    def at(self, line: int, column: int) -> Place:
        lines = self.rendered.text.split(b"\n", line + 1)
        before = sum(len(each) + 1 for each in lines[:line])
        current = lines[line] if line < len(lines) else b""
        inside = len(current.decode("utf-8", "surrogateescape")[:column].encode("utf-8", "surrogateescape"))
        return self.places.at(self.rendered.template_offset(before + inside))


def _include(path: Path, name: str) -> bytes:
    """Read what IncludeFile names."""
    messages: list[str] = []
    content = read_file(find_file(_expanded(name), path), messages.append)
    if content is None:
        raise CallError(messages[0])
    return content


def _expanded(name: str) -> str:
    """Write out ``$NAME`` as Go's ``os.ExpandEnv``, where an unset variable is empty."""
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: os.environ.get(match[1] or match[2], ""), name)
