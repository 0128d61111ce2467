"""Rendering a parsed template."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING

from netbench.runner.template.calling import STRING, CallError, Function
from netbench.runner.template.errors import TemplateError
from netbench.runner.template.formatting import printed_value
from netbench.runner.template.nodes import (
    Action,
    Branch,
    Call,
    Chain,
    Command,
    Dot,
    Field,
    Jump,
    Literal,
    Nil,
    Node,
    Operand,
    Pipeline,
    Text,
    Variable,
)
from netbench.runner.template.output import Output, Rendered, Value3
from netbench.runner.template.values import Missing, Sequence, Value, is_true, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ("evaluate",)

#: More nodes than this are visited by no honest template.
_STEPS_MAX = 2_000_000
_NAMES_SHOWN = 12
#: Strings that mean the same wherever they stand in YAML.
_HARMLESS = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_./-]*")
_NUMBER = re.compile(rb"[-+]?[0-9.]+(?:e[-+]?[0-9]+)?|true|false")
_UNTOUCHED = frozenset("\\'\"")


class _Broken(Exception):  # noqa: N818 - a jump, no error
    """``break``."""


class _Continued(Exception):  # noqa: N818 - a jump, no error
    """``continue``."""


def evaluate(nodes: tuple[Node, ...], values: dict[bytes, Value], functions: Mapping[str, Function]) -> Rendered:
    """Render a template.

    Raises:
        TemplateError: A variable is missing where its value is needed, a function refuses its arguments, or the
            template would not come to an end in reasonable time and space.
    """
    evaluator = _Evaluator(values, functions)
    evaluator.walk(nodes, values)
    if evaluator.missing:
        first, *others = evaluator.missing.values()
        raise TemplateError(first.message, first.offset, tuple(others))
    return evaluator.output.rendered()


class _Evaluator:
    def __init__(self, root: dict[bytes, Value], functions: Mapping[str, Function]) -> None:
        self.output = Output()
        self._functions = functions
        self._variables: list[tuple[str, Value]] = [("$", root)]
        # Values that are needed and are not there, by their places, so that all are said at once.
        self.missing: dict[int, TemplateError] = {}
        self._steps = 0
        # What is done to strings from outside while an action is evaluated, and where they were seen.
        self._lens: Callable[[Value], Value] | None = None
        self._seen: dict[str, None] | None = None

    # -- nodes ---------------------------------------------------------------------------------------------------------

    def walk(self, nodes: tuple[Node, ...], dot: Value) -> None:
        for node in nodes:
            self._count(node.offset)
            match node:
                case Text():
                    self.output.write(node.text, node.offset)
                case Action():
                    self._act(node, dot)
                case Branch(word="range"):
                    self._range(node, dot)
                case Branch():
                    self._branch(node, dot)
                case Jump():
                    raise _Broken if node.word == "break" else _Continued

    def _count(self, offset: int) -> None:
        self._steps += 1
        if self._steps > _STEPS_MAX:
            raise TemplateError(f"more than {_STEPS_MAX} steps are taken: is a range too long?", offset)

    def _act(self, node: Action, dot: Value) -> None:
        if node.pipeline.declares:
            self._pipeline(node.pipeline, dot)
            return
        self._seen = {}
        value = self._pipeline(node.pipeline, dot)
        names, self._seen = tuple(self._seen), None
        text = self._text(value, node)
        if not names:
            self.output.write(text, node.offset, Value3(text, text, text, ()))
            return
        baseline = self._seen_through(_baseline, node, dot, text)
        mutated = self._seen_through(_mutated, node, dot, text)
        self.output.write(text, node.offset, Value3(text, baseline, mutated, names))

    def _seen_through(self, lens: Callable[[bytes], bytes], node: Action, dot: Value, text: bytes) -> bytes:
        """Give an action's text with other strings; where a function cannot work with these, its result is changed."""
        self._lens = lambda value: _mapped(value, lens)
        try:
            return self._text(self._pipeline(node.pipeline, dot), node)
        except TemplateError:
            return text if _NUMBER.fullmatch(text) else lens(text)
        finally:
            self._lens = None

    def _text(self, value: Value, node: Action) -> bytes:
        if isinstance(value, Missing):
            offset = node.pipeline.offset
            self.missing.setdefault(offset, TemplateError(_missing(value), offset))
            return b"0"
        if value is None:
            raise TemplateError("there is no value here to write: it is null", node.pipeline.offset)
        return printed_value(value)

    def _branch(self, node: Branch, dot: Value) -> None:
        visible = len(self._variables)
        value = self._pipeline(node.pipeline, dot)
        if is_true(value):
            self.walk(node.body, value if node.word == "with" else dot)
        else:
            self.walk(node.otherwise, dot)
        del self._variables[visible:]

    def _range(self, node: Branch, dot: Value) -> None:
        visible = len(self._variables)
        value = self._pipeline(node.pipeline, dot)
        inner = len(self._variables)
        ran = False
        try:
            for key, item in self._items(value, node):
                ran = True
                self._count(node.offset)
                self._set_range_variables(node.pipeline, key, item)
                try:
                    self.walk(node.body, item)
                except _Continued:
                    pass
                finally:
                    del self._variables[inner:]
        except _Broken:
            pass
        if not ran:
            self.walk(node.otherwise, dot)
        del self._variables[visible:]

    def _items(self, value: Value, node: Branch) -> list[tuple[Value, Value]] | zip[tuple[Value, Value]]:
        match value:
            case None | Missing():
                return []
            case bool() | float() | bytes():
                pass
            case int():
                if len(node.pipeline.declares) > 1:
                    msg = f"a range over the number {value} has one variable"
                    raise TemplateError(msg, node.offset)
                return zip(range(value), range(value), strict=True)
            case Sequence():
                return zip(range(len(value.items)), value.items, strict=True)
            case dict():
                return [(key, value[key]) for key in sorted(value)]
        msg = f"range cannot go over {printed_value(value).decode('utf-8', 'replace')}, of type {type_name(value)}"
        raise TemplateError(msg, node.pipeline.offset)

    def _set_range_variables(self, pipeline: Pipeline, key: Value, item: Value) -> None:
        names = pipeline.declares
        if not names:
            return
        pairs = [(names[0], item)] if len(names) == 1 else [(names[0], key), (names[1], item)]
        for name, value in pairs:
            self._assign(name, value, pipeline.offset)

    # -- pipelines -----------------------------------------------------------------------------------------------------

    def _pipeline(self, pipeline: Pipeline, dot: Value) -> Value:
        final: list[Value] = []
        for command in pipeline.commands:
            final = [self._command(command, dot, final)]
        value = final[0]
        for name in pipeline.declares:
            if pipeline.assigns:
                self._assign(name, value, pipeline.offset)
            else:
                self._variables.append((name, value))
        return value

    def _assign(self, name: str, value: Value, offset: int) -> None:
        for index in range(len(self._variables) - 1, -1, -1):
            if self._variables[index][0] == name:
                self._variables[index] = (name, value)
                return
        raise TemplateError(f"the variable {name} is not declared: write {name} := ...", offset)

    def _command(self, command: Command, dot: Value, final: list[Value]) -> Value:
        first, *arguments = command.operands
        if isinstance(first, Call):
            return self._call(first, arguments, dot, final)
        if arguments or final:
            raise TemplateError("only functions take arguments", first.offset)
        if isinstance(first, Nil):
            raise TemplateError("nil is not a command", first.offset)
        return self._operand(first, dot)

    def _operand(self, operand: Operand, dot: Value) -> Value:
        match operand:
            case Literal():
                return operand.value
            case Nil():
                return None
            case Dot():
                return self._outside(dot, ".")
            case Field():
                return self._outside(self._fields(dot, operand.names, "", operand.offset), _dotted("", operand.names))
            case Variable():
                value = self._variable(operand)
                shown = operand.name + _dotted("", operand.names)
                return self._outside(self._fields(value, operand.names, operand.name, operand.offset), shown)
            case Chain():
                value = self._operand(operand.operand, dot)
                return self._fields(value, operand.names, "(...)", operand.offset)
            case Pipeline():
                return self._pipeline(operand, dot)
            case Call():
                return self._call(operand, [], dot, [])

    def _variable(self, variable: Variable) -> Value:
        for name, value in reversed(self._variables):
            if name == variable.name:
                return value
        # Its own declaration uses it.
        raise TemplateError(f"the variable {variable.name} has no value yet", variable.offset)

    def _outside(self, value: Value, name: str) -> Value:
        """Note a value that came from outside of the template, or change it, while an action is evaluated."""
        if self._seen is not None and not _is_harmless(value):
            self._seen[name] = None
        return value if self._lens is None else self._lens(value)

    def _fields(self, value: Value, names: tuple[str, ...], before: str, offset: int) -> Value:
        for index, name in enumerate(names):
            shown = f"{_dotted(before, names[: index + 1])}"
            if isinstance(value, Missing):
                return value
            if value is None:
                if index or before.startswith("$"):
                    return Missing(shown)
                raise TemplateError(f"{_dotted(before, names[:index]) or '.'} is null and has no field {name}", offset)
            if not isinstance(value, dict):
                owner = _dotted(before, names[:index]) or "."
                msg = f"{owner} has the type {type_name(value)}, which has no field {name}"
                raise TemplateError(msg, offset)
            known = tuple(key.decode("utf-8", "replace") for key in sorted(value))
            value = value.get(name.encode(), Missing(shown, known))
        return value

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _call(self, call: Call, arguments: list[Operand], dot: Value, final: list[Value]) -> Value:
        if call.name in {"and", "or"}:
            return self._shortcut(call, arguments, dot, final)
        function = self._functions[call.name]
        _check_count(call, function, len(arguments) + len(final))
        kinds = [*function.parameters, *[function.rest or ""] * (len(arguments) + len(final))]
        missing: list[Missing] = []
        values: list[Value] = []
        given = [partial(self._operand, operand, dot) for operand in arguments]
        for index, evaluated in enumerate([*given, *(partial(_same, value) for value in final)]):
            value = evaluated()
            if isinstance(value, Missing):
                missing.append(value)
                value = None
            if kinds[index] == STRING and not isinstance(value, bytes):
                what = _missing(missing[-1]) if missing else f"not {type_name(value)}"
                msg = f"argument {index + 1} of {call.name} must be a string: {what}"
                raise TemplateError(msg, call.offset)
            values.append(value)
        try:
            return function.call(*values)
        except CallError as error:
            hint = "".join(f"; {_missing(each)}" for each in missing)
            raise TemplateError(f"{call.name}: {error}{hint}", call.offset) from None

    def _shortcut(self, call: Call, arguments: list[Operand], dot: Value, final: list[Value]) -> Value:
        if not arguments and not final:
            raise TemplateError(f"{call.name} needs at least one argument", call.offset)
        value: Value = None
        for operand in arguments:
            value = self._operand(operand, dot)
            if is_true(value) == (call.name == "or"):
                return value
        return final[0] if final else value


def _same(value: Value) -> Value:
    return value


def _check_count(call: Call, function: Function, given: int) -> None:
    least = len(function.parameters)
    if given < least or (function.rest is None and given > least):
        wanted = f"at least {least}" if function.rest is not None else str(least)
        raise TemplateError(f"{call.name} takes {wanted} argument(s), not {given}", call.offset)


def _dotted(before: str, names: tuple[str, ...]) -> str:
    return before + "".join(f".{name}" for name in names)


def _missing(missing: Missing) -> str:
    if not missing.known:
        return f"there is no {missing.name}"
    name = missing.name.rpartition(".")[2]
    close = get_close_matches(name, missing.known, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    more = f" and {len(missing.known) - _NAMES_SHOWN} more" if len(missing.known) > _NAMES_SHOWN else ""
    return f"there is no {missing.name}: {hint}There are {', '.join(missing.known[:_NAMES_SHOWN])}{more}"


def _is_harmless(value: Value) -> bool:
    match value:
        case bytes():
            return not value or _HARMLESS.fullmatch(value) is not None
        case Sequence():
            return all(map(_is_harmless, value.items))
        case dict():
            return all(_is_harmless(key) and _is_harmless(each) for key, each in value.items())
        case _:
            return True


def _mapped(value: Value, lens: Callable[[bytes], bytes]) -> Value:
    match value:
        case bytes():
            return lens(value)
        case Sequence():
            return Sequence(tuple(_mapped(each, lens) for each in value.items), value.element)
        case dict():
            return {key: _mapped(each, lens) for key, each in value.items()}
        case _:
            return value


def _baseline(text: bytes) -> bytes:  # noqa: ARG001 - whatever it is
    return b"baseline"


def _mutated(text: bytes) -> bytes:
    characters = text.decode("utf-8", "surrogateescape")
    doubled = (character if character in _UNTOUCHED else 2 * character for character in characters)
    return "".join(doubled).encode("utf-8", "surrogateescape")
