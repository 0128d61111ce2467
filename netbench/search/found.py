"""What a search found, and how it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import attrs

from netbench.errors import ResultFormatError
from netbench.result import Result
from netbench.result.store import load_json, read_json, schema_of, to_text, write_text

if TYPE_CHECKING:
    import os

__all__ = ("SCHEMA", "Limit", "SearchResult", "Trial")

#: What a stored search calls its own form.
SCHEMA = "netbench.search/v1"

Limit: TypeAlias = Literal["bound", "sender", "rate_max", "trials_max", "incomplete", "stopped"]


@attrs.frozen(kw_only=True)
class Trial:
    """One rate that was tried.

    Attributes:
        rate: Datagrams or requests per second of each pair.
        result: What came out.
        passed: Whether the bound was kept at this rate.
        reason: Why not; empty where it was.
    """

    rate: float
    result: Result
    passed: bool
    reason: str = ""

    def __str__(self) -> str:
        """Give rate, what came of it, and whether that can be believed."""
        return f"{self.rate:>14,.6g}  {'good' if self.passed else self.reason}; {self.result.verdict}"


@attrs.frozen(kw_only=True)
class SearchResult:
    """What a search found.

    Attributes:
        rate: The highest rate at which the bound was kept, per pair; None where it was kept at none.
        limited_by: What ended it: ``bound`` (the next rate broke it), ``sender`` (a worker could not send more, so the
            network may carry more), ``rate_max`` (the highest allowed rate is good), ``trials_max`` (there were no
            trials left to come closer), ``incomplete`` (a pair failed), or ``stopped``.
        trials: Every trial, in the order in which they were made.
    """

    rate: float | None
    limited_by: Limit
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial | None:
        """The trial at :attr:`rate`."""
        return next((trial for trial in reversed(self.trials) if trial.passed and trial.rate == self.rate), None)

    @property
    def lowest_bad(self) -> float | None:
        """The lowest rate above :attr:`rate` that was not good: the true limit lies between both; None for none."""
        good = {trial.rate for trial in self.trials if trial.passed}
        bad = [trial.rate for trial in self.trials if trial.rate not in good and trial.result.complete]
        return min((rate for rate in bad if rate > (self.rate or 0)), default=None)

    def __str__(self) -> str:
        """Give the rate, what limited it, and every trial in a line with its verdict."""
        found = "no rate tried keeps the bound" if self.rate is None else f"{self.rate:,.6g} each second and pair"
        below = "" if self.lowest_bad is None else f", and {self.lowest_bad:,.6g} was not good"
        trials = "1 trial" if len(self.trials) == 1 else f"{len(self.trials)} trials"
        head = f"{found}{below}; limited by {self.limited_by}, {trials}"
        return "\n".join([head, *(f"  {trial}" for trial in self.trials)])

    def to_dict(self) -> dict[str, Any]:
        """Give everything, every trial's whole result included, as plain JSON data."""
        trials = [
            {"rate": trial.rate, "passed": trial.passed, "reason": trial.reason, "result": trial.result.to_dict()}
            for trial in self.trials
        ]
        return {"schema": SCHEMA, "rate": self.rate, "limited_by": self.limited_by, "trials": trials}

    def to_json(self, indent: int | None = None) -> str:
        """Give everything as JSON text, on one line unless an indent is given."""
        return to_text(self.to_dict(), indent)

    @classmethod
    def from_dict(cls, data: object) -> SearchResult:
        """Read what :meth:`to_dict` gave.

        Raises:
            ResultFormatError: It is something else, of another schema, or damaged.
        """
        stored = schema_of(data, SCHEMA)
        try:
            rate, limit = stored["rate"], stored["limited_by"]
            if limit not in get_args(Limit):
                msg = f"the stored search is damaged: limited_by is {limit!r}"
                raise ResultFormatError(msg)
            return cls(
                rate=None if rate is None else float(rate),
                limited_by=limit,
                trials=tuple(_trial(each) for each in stored["trials"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            msg = f"the stored search is damaged: {type(error).__name__} {error}"
            raise ResultFormatError(msg) from error

    @classmethod
    def from_json(cls, text: str | bytes) -> SearchResult:
        """Read what :meth:`to_json` gave.

        Raises:
            ResultFormatError: It is something else, of another schema, or damaged.
        """
        return cls.from_dict(read_json(text))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the JSON text to a file, whole or not at all.

        Raises:
            HostError: The file cannot be written.
        """
        write_text(path, self.to_json() + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SearchResult:
        """Read a file that :meth:`save` wrote.

        Raises:
            ResultFormatError: It cannot be read, or holds something else; the message names the file.
        """
        return load_json(path, cls.from_json)


def _trial(data: dict[str, Any]) -> Trial:
    return Trial(
        rate=float(data["rate"]),
        passed=bool(data["passed"]),
        reason=str(data["reason"]),
        result=Result.from_dict(data["result"]),
    )
