"""Whether a result can be believed: rules over what the workers saw, each with its threshold and its source.

A result that breaks none is trusted. One that breaks some is doubtful, and says for each what was seen and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.result.verdict.host import host_doubts
from netbench.result.verdict.judgement import Doubt, Verdict
from netbench.result.verdict.processor import processor_doubts
from netbench.result.verdict.schedule import schedule_doubts
from netbench.result.verdict.sides import unseen
from netbench.result.verdict.steadiness import steadiness_doubts
from netbench.result.verdict.together import together_doubts

if TYPE_CHECKING:
    from netbench.result.model import Result

__all__ = ("Doubt", "Verdict", "verdict_of")

_RULES = (together_doubts, schedule_doubts, processor_doubts, host_doubts, steadiness_doubts)


def verdict_of(result: Result) -> Verdict:
    """Look at a result by all rules."""
    doubts = tuple(doubt for rule in _RULES for doubt in rule(result))
    return Verdict(doubts=doubts, unseen=unseen(result))
