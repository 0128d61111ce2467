"""A result as a page that needs nothing else, and in notebooks."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import attrs
import pytest

from netbench.topology import LeftOver, Pair
from tests.unit.result.builders import http_outcome, make_failure, make_outcome, make_result, tcp_outcome, udp_outcome
from tests.unit.workers import make_worker

if TYPE_CHECKING:
    from netbench.result import Result

EVIL = '<script>alert("1")</script>&'
RESULTS = [
    make_result(tcp_outcome(125_000_000, 250_000_000), tcp_outcome(1, 2)),
    make_result(udp_outcome()),
    make_result(http_outcome(errors={"timeout": 2})),
    make_result(make_outcome([], [])),
    make_result(failures=(make_failure(),)),
    make_result(),
]
#: Elements that have no end.
VOID = {"meta", "br"}


class Elements(HTMLParser):
    """Checks that elements are closed in turn, and collects tags and attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that is closed at once."""
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element."""
        assert self.open.pop() == tag


def evil_result() -> Result:
    """Give a result with markup wherever text comes from outside."""
    left = LeftOver(worker=make_worker(9), reason=EVIL)
    result = make_result(
        tcp_outcome(1, tool=EVIL), tcp_outcome(2), failures=(make_failure(5, message=EVIL),), left_over=(left,)
    )
    first, second = result.pairs
    named = attrs.evolve(first, pair=Pair(attrs.evolve(first.pair.client, name=EVIL), first.pair.server))
    return attrs.evolve(result, pairs=(named, second))


@pytest.mark.parametrize("result", RESULTS)
def test_a_page_is_well_formed(result: Result) -> None:
    """Every element is closed, in turn."""
    assert Elements(result.to_html()).open == []


@pytest.mark.parametrize("result", RESULTS)
def test_a_fragment_is_well_formed(result: Result) -> None:
    """A notebook puts it into a page of its own."""
    assert Elements(result._repr_html_()).open == []


@pytest.mark.parametrize("result", RESULTS)
def test_a_page_needs_nothing_else(result: Result) -> None:
    """No script, style sheet, picture or font from elsewhere."""
    page = result.to_html()
    elements = Elements(page)
    loading = {"script", "link", "img", "iframe", "object", "embed", "base"} & elements.tags
    assert (loading, {"src", "href", "srcset", "data"} & elements.attributes) == (set(), set())


@pytest.mark.parametrize("result", RESULTS)
def test_a_page_names_no_other_address(result: Result) -> None:
    """Not in its styles either."""
    assert re.search(r"https?:|url\(|@import", result.to_html()) is None


def test_text_from_outside_is_escaped() -> None:
    """Messages, reasons, tools and names cannot become markup."""
    assert "script" not in Elements(evil_result().to_html()).tags


def test_escaped_text_is_still_shown() -> None:
    """As it was written."""
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;" in evil_result().to_html()


def test_a_fragment_is_escaped_too() -> None:
    """Notebooks run scripts."""
    assert "script" not in Elements(evil_result()._repr_html_()).tags


def test_a_page_is_a_whole_document() -> None:
    """With its character set."""
    assert re.match(r'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">', RESULTS[0].to_html())


def test_a_fragment_is_no_whole_document() -> None:
    """It goes into another one."""
    assert not {"html", "head", "body"} & Elements(RESULTS[0]._repr_html_()).tags


@pytest.mark.parametrize(
    ("result", "titles"),
    [
        (RESULTS[0], ["Throughput", "Round-trip time"]),
        (RESULTS[1], ["Throughput", "One-way delay"]),
        (RESULTS[2], ["Throughput", "Response time"]),
        (RESULTS[3], []),
    ],
)
def test_throughput_and_latency_are_drawn(result: Result, titles: list[str]) -> None:
    """Where they were measured."""
    assert re.findall(r'<svg [^>]*aria-label="([^"]*)"', result.to_html()) == titles


def test_a_page_shows_all_pairs() -> None:
    """However many there are."""
    page = make_result(*(tcp_outcome(1000) for _ in range(60))).to_html()
    assert page.count("<tr>") == 62


def test_a_notebook_shows_the_slowest_pairs() -> None:
    """And says how many it does not show."""
    shown = make_result(*(tcp_outcome(1000) for _ in range(60)))._repr_html_()
    assert (shown.count("<tr>"), "10 faster pairs are not shown" in shown) == (52, True)
