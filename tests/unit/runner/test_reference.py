"""The page of all keys."""

from __future__ import annotations

from pathlib import Path

from netbench.runner.reference import reference_page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "plans.md"


def test_the_committed_page_is_what_the_code_says() -> None:
    """Else: python -m netbench.runner.reference > docs/reference/plans.md."""
    assert PAGE.read_text() == reference_page()
