"""What a template has been rendered to, and which part of the template each byte comes from."""

from __future__ import annotations

from bisect import bisect_right

import attrs

from netbench.runner.template.errors import TemplateError

__all__ = ("OUTPUT_MAX", "Output", "Rendered", "Value3")

#: No file of an honest plan is larger, in bytes.
OUTPUT_MAX = 4 * 2**20


@attrs.frozen
class Value3:
    """The text of one action: as asked for, and twice with other values in place of those that came from outside.

    Attributes:
        text: What is written.
        baseline: With a plain word for each string.
        mutated: With each character of each string twice, quotes excepted.
        names: The variables that the strings come from.
    """

    text: bytes
    baseline: bytes
    mutated: bytes
    names: tuple[str, ...]


@attrs.frozen
class _Piece:
    start: int
    offset: int
    text: bytes
    value: Value3 | None


@attrs.frozen
class Rendered:
    """A rendered template.

    Attributes:
        text: What came out.
        pieces: Where each part of it begins, in bytes, and where in the template it comes from, in characters.
    """

    text: bytes
    pieces: tuple[_Piece, ...]

    def template_offset(self, position: int) -> int:
        """Give the offset in the template, in characters, of a byte of the text."""
        if not self.pieces:
            return 0
        index = max(0, bisect_right([piece.start for piece in self.pieces], position) - 1)
        piece = self.pieces[index]
        if piece.value is not None:
            return piece.offset
        before = piece.text[: max(0, position - piece.start)]
        return piece.offset + len(before.decode("utf-8", "surrogateescape"))

    def values(self) -> list[tuple[int, Value3]]:
        """Give the texts that hold strings from outside, by their pieces' indices."""
        return [
            (index, piece.value)
            for index, piece in enumerate(self.pieces)
            if piece.value is not None and piece.value.names
        ]

    def variant(self, choose: str, real: int | None = None) -> bytes:
        """Give the text with other values: ``baseline`` or ``mutated`` for all pieces but this one."""
        return b"".join(
            piece.text if piece.value is None or index == real else getattr(piece.value, choose)
            for index, piece in enumerate(self.pieces)
        )

    def offset_of(self, piece: int) -> int:
        """Give the offset of a piece in the template, in characters."""
        return self.pieces[piece].offset


class Output:
    """Collects what is rendered, up to a limit."""

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []
        self._size = 0

    def write(self, text: bytes, offset: int, value: Value3 | None = None) -> None:
        """Add a text.

        Raises:
            TemplateError: There is too much of it.
        """
        if self._size + len(text) > OUTPUT_MAX:
            raise TemplateError(f"more than {OUTPUT_MAX // 2**20} MiB are rendered: is a range too long?", offset)
        self._pieces.append(_Piece(self._size, offset, text, value))
        self._size += len(text)

    def rendered(self) -> Rendered:
        """Give what has been collected."""
        return Rendered(b"".join(piece.text for piece in self._pieces), tuple(self._pieces))
