"""What is wrong with a template, and where in it."""

from __future__ import annotations

__all__ = ("TemplateError",)


class TemplateError(Exception):
    """A template cannot be parsed or rendered; becomes a problem of its file.

    Attributes:
        message: What is wrong, and what to do.
        offset: Where in the template's text, in characters.
        others: What else is wrong, where there is more.
    """

    def __init__(self, message: str, offset: int, others: tuple[TemplateError, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.others = others

    def all(self) -> tuple[TemplateError, ...]:
        """Give all that is wrong, by its place."""
        return tuple(sorted((self, *self.others), key=lambda error: error.offset))
