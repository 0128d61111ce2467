"""One thing that is wrong with a file, at its place."""

from __future__ import annotations

import attrs

__all__ = ("Problem",)


@attrs.frozen(kw_only=True)
class Problem:
    """One thing that is wrong with a plan.

    Attributes:
        message: What is wrong, what was expected, and what was probably meant.
        path: The file; None where it comes from the command line or the environment.
        line: The line in it, from 1; None where the whole file is meant.
        column: The column in it, from 1.
        where: The place in the document, such as ``steps[1].measurements[0].Params.duration``; empty outside of one.
    """

    message: str
    path: str | None = None
    line: int | None = None
    column: int | None = None
    where: str = ""

    def __str__(self) -> str:
        """Put the place before the message, as compilers do."""
        place = [str(each) for each in (self.path, self.line, self.column) if each is not None]
        return ": ".join(each for each in (":".join(place), self.where, self.message) if each)
