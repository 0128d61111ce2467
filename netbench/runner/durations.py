"""Durations in Go's form: ``1m30s``, ``500ms``."""

from __future__ import annotations

import re

__all__ = ("parse_duration_s",)

_PART = re.compile(r"([0-9]*\.?[0-9]*)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
#: Go's durations are 64 bits of nanoseconds.
_MAX_S = 2**63 / 1e9


def parse_duration_s(text: str) -> float | None:
    """Read a duration as Go's ``time.ParseDuration``.

    Returns:
        Seconds; None if it is no duration.
    """
    sign, rest = (-1.0, text[1:]) if text.startswith("-") else (1.0, text.removeprefix("+"))
    if rest == "0":
        return 0.0
    total, position = 0.0, 0
    while position < len(rest):
        match = _PART.match(rest, position)
        if match is None or match[1] in {"", "."}:
            return None
        total += float(match[1]) * _SECONDS[match[2]]
        position = match.end()
    return sign * total if rest and total < _MAX_S else None
