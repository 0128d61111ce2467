"""Numbers as people type them on a command line."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("byte_count", "duration_s", "rate", "whole_number")

_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)([a-z]*)", re.IGNORECASE)
#: Rates are decimal, as everywhere in networking; sizes are binary, as in iperf.
_DECIMAL = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def rate(text: str) -> float:
    """Read a rate with a decimal suffix: ``100M`` is 100,000,000."""
    return _scaled(text, _DECIMAL, "a rate such as 800k, 100M or 2.5G")


def byte_count(text: str) -> int:
    """Read a size with a binary suffix: ``128k`` is 131,072."""
    return round(_scaled(text, _BINARY, "a size such as 1400, 128k or 1M"))


def duration_s(text: str) -> float:
    """Read a duration, in seconds unless it says otherwise: ``500ms``, ``10``, ``2m``."""
    return _scaled(text, _SECONDS, "a duration such as 10, 500ms or 2m")


def whole_number(text: str) -> int:
    """Read a whole number."""
    try:
        return int(text)
    except ValueError:
        msg = f"{text!r} is not a whole number"
        raise ArgumentTypeError(msg) from None


def _scaled(text: str, units: Mapping[str, float], expected: str) -> float:
    match = _NUMBER.fullmatch(text.strip())
    if match is None or match[2].lower() not in units:
        msg = f"{text!r} is not {expected}"
        raise ArgumentTypeError(msg)
    return float(match[1]) * units[match[2].lower()]
