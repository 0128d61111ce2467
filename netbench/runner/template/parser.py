"""A template's tokens as nodes, by the rules of Go's text/template."""

from __future__ import annotations

from collections import deque
from difflib import get_close_matches
from typing import TYPE_CHECKING

from netbench.runner.template.errors import TemplateError
from netbench.runner.template.lexer import Kind, Token, tokens
from netbench.runner.template.literals import character_value, number_value, string_value
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

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ("parse",)

#: Deeper than this no honest template nests, and Python's stack has an end.
_DEPTH_MAX = 60
_OPERANDS = frozenset(
    {
        Kind.BOOL,
        Kind.CHARACTER,
        Kind.DOT,
        Kind.FIELD,
        Kind.IDENTIFIER,
        Kind.LEFT_PAREN,
        Kind.NIL,
        Kind.NUMBER,
        Kind.RAW_STRING,
        Kind.STRING,
        Kind.VARIABLE,
    }
)
_UNSUPPORTED = frozenset({"block", "define", "template"})
#: What a list of nodes may end with.
_END, _ELSE = "end", "else"


def parse(text: str, functions: Collection[str]) -> tuple[Node, ...]:
    """Parse a template.

    Args:
        text: The template; bytes that are no UTF-8 are surrogates, as ``surrogateescape`` makes them.
        functions: The names of the functions that it may call.

    Raises:
        TemplateError: It is no template, or uses what is not supported.
    """
    return _Parser(text, functions).whole()


class _Parser:
    def __init__(self, text: str, functions: Collection[str]) -> None:
        self._tokens = tokens(text)
        self._ahead: deque[Token] = deque()
        self._functions = functions
        self._variables = ["$"]
        self._ranges = 0
        self._depth = 0

    # -- tokens --------------------------------------------------------------------------------------------------------

    def _peek(self, distance: int = 0) -> Token:
        while len(self._ahead) <= distance:
            self._ahead.append(next(self._tokens))
        return self._ahead[distance]

    def _take(self) -> Token:
        token = self._peek()
        self._ahead.popleft()
        return token

    def _skip_space(self) -> Token:
        while self._peek().kind is Kind.SPACE:
            self._take()
        return self._peek()

    def _expect_right(self, where: str) -> None:
        token = self._skip_space()
        if token.kind is not Kind.RIGHT:
            raise TemplateError(f"{token.text!r} cannot stand in {where}: }}}} was expected", token.offset)
        self._take()

    def _deeper(self, offset: int) -> None:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise TemplateError(f"nested more than {_DEPTH_MAX} deep", offset)

    # -- lists of nodes ------------------------------------------------------------------------------------------------

    def whole(self) -> tuple[Node, ...]:
        nodes, end = self._nodes()
        if end.kind is not Kind.END:
            raise TemplateError(f"{{{{{end.text}}}}} belongs to no if, range or with", end.offset)
        return nodes

    def _nodes(self) -> tuple[tuple[Node, ...], Token]:
        """Read nodes up to ``end``, ``else`` or the end of the text; give these and what ended them."""
        nodes: list[Node] = []
        while True:
            token = self._take()
            if token.kind is Kind.TEXT:
                nodes.append(Text(token.text.encode("utf-8", "surrogateescape"), token.offset))
                continue
            if token.kind is Kind.END:
                return tuple(nodes), token
            word = self._skip_space()
            if word.kind is Kind.KEYWORD and word.text in {_END, _ELSE}:
                self._take()
                if word.text == _END:
                    self._expect_right(_END)
                return tuple(nodes), word
            nodes.append(self._action(token, word))

    def _action(self, opening: Token, word: Token) -> Node:
        if word.kind is not Kind.KEYWORD:
            return Action(self._pipeline("an action", Kind.RIGHT), opening.offset)
        self._take()
        if word.text in _UNSUPPORTED:
            msg = f"{{{{{word.text}}}}} is not supported: put the text where it is needed, or into a module"
            raise TemplateError(msg, opening.offset)
        if word.text in {"break", "continue"}:
            self._expect_right(word.text)
            if not self._ranges:
                raise TemplateError(f"{{{{{word.text}}}}} outside of a range", word.offset)
            return Jump(word.text, word.offset)
        return self._branch(word)

    def _branch(self, word: Token) -> Branch:
        self._deeper(word.offset)
        visible = len(self._variables)
        pipeline = self._pipeline(word.text, Kind.RIGHT)
        self._ranges += word.text == "range"
        body, end = self._nodes()
        self._ranges -= word.text == "range"
        otherwise: tuple[Node, ...] = ()
        if end.text == _ELSE and end.kind is Kind.KEYWORD:
            otherwise, end = self._else(word)
        if end.kind is Kind.END:
            raise TemplateError(f"this {word.text} has no {{{{end}}}}", word.offset)
        if end.text != _END:
            raise TemplateError(f"{{{{{end.text}}}}} where {{{{end}}}} was expected", end.offset)
        del self._variables[visible:]
        self._depth -= 1
        return Branch(word.text, pipeline, body, otherwise, word.offset)

    def _else(self, word: Token) -> tuple[tuple[Node, ...], Token]:
        following = self._skip_space()
        if following.kind is Kind.KEYWORD and following.text == word.text and word.text in {"if", "with"}:
            self._take()
            branch = self._branch(following)
            return (branch,), Token(Kind.KEYWORD, _END, branch.offset)
        self._expect_right(_ELSE)
        return self._nodes()

    # -- pipelines -----------------------------------------------------------------------------------------------------

    def _pipeline(self, where: str, end: Kind) -> Pipeline:
        offset = self._skip_space().offset
        self._deeper(offset)
        declares, assigns = self._declarations(where)
        commands: list[Command] = []
        while True:
            token = self._skip_space()
            if token.kind is end:
                self._take()
                break
            if token.kind not in _OPERANDS:
                raise TemplateError(_unexpected(token, where), token.offset)
            commands.append(self._command())
        if not commands:
            raise TemplateError(f"{where} has no value", offset)
        for number, command in enumerate(commands[1:], 2):
            if isinstance(command.operands[0], Literal | Dot | Nil):
                raise TemplateError(f"stage {number} of this pipeline is no function", command.offset)
        self._depth -= 1
        return Pipeline(declares, assigns, tuple(commands), offset)

    def _declarations(self, where: str) -> tuple[tuple[str, ...], bool]:
        names: list[str] = []
        while self._skip_space().kind is Kind.VARIABLE:
            distance = 1
            while self._peek(distance).kind is Kind.SPACE:
                distance += 1
            following = self._peek(distance)
            if following.kind not in {Kind.ASSIGN, Kind.DECLARE, Kind.COMMA}:
                break
            name = self._take()
            self._skip_space()
            self._take()
            names.append(name.text)
            self._variables.append(name.text)
            if following.kind is not Kind.COMMA:
                return tuple(names), following.kind is Kind.ASSIGN
            if where != "range" or len(names) > 1:
                raise TemplateError(f"too many variables are declared in {where}", name.offset)
            if self._skip_space().kind is not Kind.VARIABLE:
                raise TemplateError("range can only declare variables", self._peek().offset)
        if names:
            raise TemplateError(f"expected := after {', '.join(names)}", self._peek().offset)
        return (), False

    def _command(self) -> Command:
        offset = self._skip_space().offset
        operands: list[Operand] = []
        while True:
            self._skip_space()
            operand = self._operand()
            if operand is not None:
                operands.append(operand)
            token = self._peek()
            if token.kind is Kind.SPACE:
                self._take()
                continue
            if token.kind is Kind.PIPE:
                self._take()
            elif token.kind not in {Kind.RIGHT, Kind.RIGHT_PAREN}:
                raise TemplateError(_unexpected(token, "a command"), token.offset)
            break
        if not operands:
            raise TemplateError("empty command", offset)
        return Command(tuple(operands), offset)

    def _operand(self) -> Operand | None:
        term = self._term()
        if term is None or self._peek().kind is not Kind.FIELD:
            return term
        names: list[str] = []
        while self._peek().kind is Kind.FIELD:
            names.append(self._take().text[1:])
        if isinstance(term, Field):
            return Field((*term.names, *names), term.offset)
        if isinstance(term, Variable):
            return Variable(term.name, (*term.names, *names), term.offset)
        if isinstance(term, Literal | Nil | Dot):
            raise TemplateError(f"a literal has no field .{names[0]}", term.offset)
        return Chain(term, tuple(names), term.offset)

    def _term(self) -> Operand | None:
        token = self._peek()
        if token.kind not in _OPERANDS:
            return None
        self._take()
        match token.kind:
            case Kind.IDENTIFIER:
                return self._function(token)
            case Kind.VARIABLE:
                return self._variable(token)
            case Kind.LEFT_PAREN:
                return self._pipeline("parentheses", Kind.RIGHT_PAREN)
            case Kind.FIELD:
                return Field((token.text[1:],), token.offset)
            case Kind.DOT:
                return Dot(token.offset)
            case Kind.NIL:
                return Nil(token.offset)
            case _:
                return Literal(_literal(token), token.offset)

    def _function(self, token: Token) -> Call:
        if token.text not in self._functions:
            close = get_close_matches(token.text, self._functions, n=1)
            hint = f": did you mean {close[0]}?" if close else f"; there are {', '.join(sorted(self._functions))}"
            raise TemplateError(f"there is no function {token.text}{hint}", token.offset)
        return Call(token.text, token.offset)

    def _variable(self, token: Token) -> Variable:
        if token.text not in self._variables:
            close = get_close_matches(token.text, self._variables, n=1)
            hint = f": did you mean {close[0]}?" if close else ""
            raise TemplateError(f"the variable {token.text} is not declared here{hint}", token.offset)
        return Variable(token.text, (), token.offset)


def _literal(token: Token) -> bytes | int | float | bool:
    if token.kind is Kind.BOOL:
        return token.text == "true"
    if token.kind is Kind.NUMBER:
        return number_value(token.text, token.offset)
    if token.kind is Kind.CHARACTER:
        return character_value(token.text, token.offset)
    return string_value(token.text, token.offset)


def _unexpected(token: Token, where: str) -> str:
    if token.kind is Kind.END:
        return f"the text ends in the middle of {where}"
    return f"{token.text!r} cannot stand in {where}"
