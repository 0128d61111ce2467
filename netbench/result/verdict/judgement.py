"""What is said of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("Doubt", "Finding", "Verdict", "doubt_of")


@attrs.frozen(kw_only=True)
class Doubt:
    """One reason not to believe a result as it stands.

    Attributes:
        rule: The rule's name, such as ``cpu-bound``; it does not change between versions.
        where: The workers, pairs or nodes that it is about, the worst first.
        evidence: What was seen, with numbers.
        advice: What to do about it.
        value: The figure of the worst.
        threshold: What it was held against.
    """

    rule: str
    where: tuple[str, ...]
    evidence: str
    advice: str
    value: float
    threshold: float

    def __str__(self) -> str:
        """Give reason and advice in a line."""
        return f"{self.rule}: {self.evidence}. {self.advice}"


@attrs.frozen(kw_only=True)
class Verdict:
    """Whether a result can be believed.

    Attributes:
        doubts: The reasons not to; none for a trusted result.
        unseen: What no worker could look at, so that nothing is said of it.
    """

    doubts: tuple[Doubt, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def trusted(self) -> bool:
        """Whether no rule was broken."""
        return not self.doubts

    @property
    def word(self) -> str:
        """``trusted`` or ``doubtful``."""
        return "trusted" if self.trusted else "doubtful"

    def __str__(self) -> str:
        """Give the word, with the names of the rules that were broken, and what could not be looked at."""
        rules = f" ({', '.join(doubt.rule for doubt in self.doubts)})" if self.doubts else ""
        unseen = f"; not visible: {', '.join(self.unseen)}" if self.unseen else ""
        return f"{self.word}{rules}{unseen}"

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON data."""
        return {"verdict": self.word, **attrs.asdict(self)}


@attrs.frozen
class Finding:
    """What one rule found at one place."""

    where: str
    value: float
    words: str


def doubt_of(
    rule: str, findings: Iterable[Finding], threshold: float, advice: str, *, low: bool = False
) -> Iterable[Doubt]:
    """Give a doubt for what was found, named by the worst; none where nothing was.

    Args:
        rule: The rule's name.
        findings: What is beyond the threshold.
        threshold: The threshold.
        advice: What to do.
        low: Whether the least value is the worst.
    """
    ordered = sorted(findings, key=lambda each: each.value, reverse=not low)
    if not ordered:
        return ()
    worst = ordered[0]
    names = tuple(dict.fromkeys(each.where for each in ordered))
    more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    evidence = f"{worst.where}{more}: {worst.words}"
    return (Doubt(rule=rule, where=names, evidence=evidence, advice=advice, value=worst.value, threshold=threshold),)
