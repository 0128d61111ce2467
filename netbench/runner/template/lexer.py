"""A template's text as tokens, cut where Go's text/template cuts."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

import attrs

from netbench.runner.template.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("KEYWORDS", "Kind", "Token", "tokens")


class Kind(Enum):
    """What a token is."""

    TEXT = auto()
    LEFT = auto()
    RIGHT = auto()
    SPACE = auto()
    ASSIGN = auto()
    DECLARE = auto()
    PIPE = auto()
    COMMA = auto()
    OTHER = auto()
    STRING = auto()
    RAW_STRING = auto()
    CHARACTER = auto()
    NUMBER = auto()
    BOOL = auto()
    NIL = auto()
    VARIABLE = auto()
    FIELD = auto()
    DOT = auto()
    IDENTIFIER = auto()
    KEYWORD = auto()
    LEFT_PAREN = auto()
    RIGHT_PAREN = auto()
    END = auto()


@attrs.frozen
class Token:
    """One token, and its offset in the template."""

    kind: Kind
    text: str
    offset: int


KEYWORDS = frozenset({"block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"})
_SPACES = " \t\r\n"
_PUNCTUATION = {"=": Kind.ASSIGN, "|": Kind.PIPE, ",": Kind.COMMA}
_NOT_ASCII = "\x7f"


def tokens(text: str) -> Iterator[Token]:
    """Cut a template into tokens; the last one is END.

    Raises:
        TemplateError: An action is not closed, or holds what no action can.
    """
    position, start = 0, 0
    while (opening := text.find("{{", position)) >= 0:
        after = opening + 2
        trims = text[after : after + 1] == "-" and text[after + 1 : after + 2] in tuple(_SPACES)
        before = text[start:opening]
        if trims:
            before = before.rstrip(_SPACES)
            after += 2
        if before:
            yield Token(Kind.TEXT, before, start)
        if text.startswith("/*", after):
            position = _after_comment(text, after)
        else:
            yield Token(Kind.LEFT, "{{", opening)
            action = _Action(text, after)
            yield from action.tokens()
            position = action.position
        start = position
    if start < len(text):
        yield Token(Kind.TEXT, text[start:], start)
    yield Token(Kind.END, "", len(text))


def _after_comment(text: str, opening: int) -> int:
    closing = text.find("*/", opening + 2)
    if closing < 0:
        raise TemplateError("this comment is not closed with */}}", opening)
    end = closing + 2
    width = _right_delimiter(text, end)
    if not width:
        raise TemplateError("a comment must be followed by }} at once", end)
    return _after_delimiter(text, end, width)


def _right_delimiter(text: str, position: int) -> int:
    """Give the length of the right delimiter that begins here, with its trim marker; 0 for none."""
    if text.startswith("}}", position):
        return 2
    if text[position : position + 1] in tuple(_SPACES) and text.startswith("-}}", position + 1):
        return 4
    return 0


def _after_delimiter(text: str, position: int, width: int) -> int:
    end = position + width
    if width > 2:  # noqa: PLR2004 - with its trim marker
        while end < len(text) and text[end] in _SPACES:
            end += 1
    return end


class _Action:
    """What is between ``{{`` and ``}}``."""

    def __init__(self, text: str, position: int) -> None:
        self._text = text
        self._opening = position
        self.position = position
        self._depth = 0

    def tokens(self) -> Iterator[Token]:
        while True:
            width = _right_delimiter(self._text, self.position)
            if width:
                if self._depth:
                    raise TemplateError("a parenthesis is not closed", self.position)
                yield Token(Kind.RIGHT, "}}", self.position)
                self.position = _after_delimiter(self._text, self.position, width)
                return
            start = self.position
            kind = self._next()
            yield Token(kind, self._text[start : self.position], start)

    def _peek(self) -> str:
        return self._text[self.position : self.position + 1]

    def _next(self) -> Kind:
        character = self._peek()
        if not character:
            raise TemplateError("this action is not closed with }}", self._opening)
        if character in _SPACES:
            return self._space()
        if character in "\"'`":
            return self._quoted(character)
        if character == "$" or (character == "." and not self._digit_follows()):
            return self._name_after(character)
        if character in "+-." or (character.isascii() and character.isdigit()):
            return self._number()
        if _is_word(character):
            return self._word()
        return self._punctuation(character)

    def _digit_follows(self) -> bool:
        after = self._text[self.position + 1 : self.position + 2]
        return after.isascii() and after.isdigit()

    def _space(self) -> Kind:
        while self._peek() and self._peek() in _SPACES:
            # The last space belongs to a trim marker that follows it.
            if _right_delimiter(self._text, self.position):
                break
            self.position += 1
        return Kind.SPACE

    def _punctuation(self, character: str) -> Kind:
        start = self.position
        self.position += 1
        if character == ":":
            if self._peek() != "=":
                raise TemplateError("expected :=", start)
            self.position += 1
            return Kind.DECLARE
        if character in "()":
            self._depth += 1 if character == "(" else -1
            if self._depth < 0:
                raise TemplateError("this ) closes nothing", start)
            return Kind.LEFT_PAREN if character == "(" else Kind.RIGHT_PAREN
        if character in _PUNCTUATION:
            return _PUNCTUATION[character]
        if character < _NOT_ASCII and character.isprintable():
            return Kind.OTHER
        raise TemplateError(f"{character!r} cannot stand in an action", start)

    def _quoted(self, quote: str) -> Kind:
        start = self.position
        self.position += 1
        while True:
            character = self._peek()
            if not character or (character == "\n" and quote != "`"):
                raise TemplateError(f"this {quote} is not closed", start)
            self.position += 1
            if character == "\\" and quote != "`":
                if self._peek() in {"", "\n"}:
                    raise TemplateError(f"this {quote} is not closed", start)
                self.position += 1
            elif character == quote:
                return {'"': Kind.STRING, "'": Kind.CHARACTER, "`": Kind.RAW_STRING}[quote]

    def _name_after(self, mark: str) -> Kind:
        start = self.position
        self.position += 1
        while _is_word(self._peek()):
            self.position += 1
        self._require_terminator()
        if mark == "$":
            return Kind.VARIABLE
        return Kind.FIELD if self.position > start + 1 else Kind.DOT

    def _word(self) -> Kind:
        start = self.position
        while _is_word(self._peek()):
            self.position += 1
        self._require_terminator()
        word = self._text[start : self.position]
        if word in KEYWORDS:
            return Kind.KEYWORD
        return {"nil": Kind.NIL, "true": Kind.BOOL, "false": Kind.BOOL}.get(word, Kind.IDENTIFIER)

    def _require_terminator(self) -> None:
        character = self._peek()
        if character and character not in _SPACES + ".,|:()" and not self._text.startswith("}}", self.position):
            raise TemplateError(f"{character!r} cannot follow a name at once: a space is missing", self.position)

    def _number(self) -> Kind:
        start = self.position
        self._accept("+-")
        digits = "0123456789_"
        exponents = "eE"
        if self._accept("0"):
            if self._accept("xX"):
                digits, exponents = "0123456789abcdefABCDEF_", "pP"
            elif self._accept("oO"):
                digits, exponents = "01234567_", ""
            elif self._accept("bB"):
                digits, exponents = "01_", ""
        self._accept_run(digits)
        if self._accept("."):
            self._accept_run(digits)
        if exponents and self._accept(exponents):
            self._accept("+-")
            self._accept_run("0123456789_")
        if self._peek() == "i":
            raise TemplateError("complex numbers are not supported", start)
        if _is_word(self._peek()) or self._peek() in {"+", "-"}:
            self.position += 1
            raise TemplateError(f"{self._text[start : self.position]!r} is no number", start)
        return Kind.NUMBER

    def _accept(self, characters: str) -> bool:
        if self._peek() and self._peek() in characters:
            self.position += 1
            return True
        return False

    def _accept_run(self, characters: str) -> None:
        while self._accept(characters):
            pass


def _is_word(character: str) -> bool:
    return character == "_" or character.isalpha() or character.isdecimal()
