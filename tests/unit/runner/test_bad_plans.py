"""A corpus of bad files, each with what is said of it."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import netbench as nb
from netbench.runner.durations import parse_duration_s

BAD = Path(__file__).parents[2] / "corpus" / "plans" / "bad"
#: What is said of each file.
EXPECTED: dict[str, list[str]] = json.loads((BAD / "expected.json").read_text())


def problems(directory: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Read a plan that is wrong."""
    monkeypatch.chdir(directory)
    with pytest.raises(nb.PlanError) as caught:
        nb.load_plan(nb.PlanSources(files=(name,)))
    return [
        str(problem).replace(f"(looked for in {directory})", "(looked for in .)") for problem in caught.value.problems
    ]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_mistake_is_said_at_its_place(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """File, line, column, the place in the document, and what was expected."""
    assert problems(BAD, f"{name}.yaml", monkeypatch) == EXPECTED[name]


def test_every_file_of_the_corpus_has_its_message() -> None:
    """None is forgotten, and there are many."""
    files = {path.stem for path in BAD.glob("*.yaml")} - {"good"}
    assert files == set(EXPECTED)
    assert len(files) > 60


def test_a_huge_file_is_refused_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not read."""
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(100 * 2**20)
    assert problems(tmp_path, "huge.yaml", monkeypatch) == [
        "huge.yaml has 104857600 bytes, and no file of a plan has more than 4194304"
    ]


def test_a_directory_and_a_missing_file_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in one line."""
    (tmp_path / "there").mkdir()
    assert problems(tmp_path, "there", monkeypatch) == ["there is a directory"]
    assert problems(tmp_path, "nowhere", monkeypatch) == ["there is no file nowhere (looked for in .)"]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_plan_or_are_refused(content: bytes) -> None:
    """Nothing else can happen."""
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(content)
        with pytest.raises(nb.PlanError):
            nb.load_plan(nb.PlanSources(files=(file.name,)))


LINES = st.sampled_from((BAD / "good.yaml").read_text().splitlines())


@given(st.lists(LINES | st.sampled_from(["- x", "  a: [", "? b", "&a", "*a", "<<: {}", "---", "{{.X}}"]), max_size=25))
def test_any_lines_of_a_plan_are_a_plan_or_are_refused(lines: list[str]) -> None:
    """Nothing else can happen."""
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_text("\n".join(lines))
        with suppress(nb.PlanError):
            nb.load_plan(nb.PlanSources(files=(file.name,)))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1m30s", 90),
        ("500ms", 0.5),
        ("1h", 3600),
        ("1.5s", 1.5),
        ("0", 0),
        ("2us", 2e-6),
        ("1h2m3s", 3723),
        ("-1s", -1),
    ],
)
def test_durations_are_gos(text: str, seconds: float) -> None:
    """In all their parts."""
    assert parse_duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "1 s", "10sec", "1m 30s", ".s", "1d", "1e3s", "99999999999999h"])
def test_what_go_does_not_take_for_a_duration_is_none(text: str) -> None:
    """Not even nearly."""
    assert parse_duration_s(text) is None
