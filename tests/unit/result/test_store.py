"""Results as JSON, and on disk."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.errors import HostError, NetbenchError, ResultFormatError
from netbench.result import SCHEMA, Result
from netbench.topology import LeftOver
from tests.unit.result.builders import http_outcome, make_failure, make_result, tcp_outcome, udp_outcome
from tests.unit.workers import make_worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RESULT = make_result(
    tcp_outcome(100, 200),
    failures=(make_failure(1, message="Straße <b>"),),
    left_over=(LeftOver(worker=make_worker(9), reason="odd"),),
)
RESULTS = [RESULT, make_result(udp_outcome()), make_result(http_outcome(errors={"timeout": 3})), make_result()]


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    """Give the JSON text of a result after a change to its data."""
    data = RESULT.to_dict()
    change(data)
    return json.dumps(data)


@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_result_comes_back_from_json_the_same(result: Result, indent: int | None) -> None:
    """Pairs, failures and facts."""
    assert Result.from_json(result.to_json(indent)) == result


@pytest.mark.parametrize("result", RESULTS)
def test_a_result_comes_back_from_plain_data_the_same(result: Result) -> None:
    """Without text in between."""
    assert Result.from_dict(result.to_dict()) == result


@pytest.mark.parametrize("result", RESULTS)
def test_plain_data_are_what_the_text_says(result: Result) -> None:
    """Lists are lists, not tuples."""
    assert json.loads(result.to_json()) == result.to_dict()


def test_json_may_be_bytes() -> None:
    """As they come from a file."""
    assert Result.from_json(RESULT.to_json().encode()) == RESULT


def test_json_is_on_one_line_unless_an_indent_is_given() -> None:
    """For files of one result a line."""
    assert "\n" not in RESULT.to_json()


def test_json_names_its_schema() -> None:
    """So that another form can be told apart."""
    assert RESULT.to_dict()["schema"] == SCHEMA


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff\xfe\xfd", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "a stored result is a JSON object with a 'schema', not a list"),
        ("{}", "it names no schema"),
        ('{"schema": "netbench.result/v9"}', "its schema is 'netbench.result/v9'"),
        (f'{{"schema": "{SCHEMA}"}}', "required field missing @ $.spec"),
        (changed(lambda data: data.update(extra=1)), "extra fields found (extra) @ $"),
        (changed(lambda data: data.update(rounds=1.5)), "$.rounds"),
        (changed(lambda data: data.update(rounds=0)), "the stored result is damaged"),
        (changed(lambda data: data.update(pairs=None)), "$.pairs"),
        (changed(lambda data: data["spec"].update(duration_s="2")), "$.spec.duration_s"),
        (changed(lambda data: data["spec"]["traffic"].update(protocol="sctp")), "$.spec"),
        (changed(lambda data: data["pairs"][0]["outcome"]["timing"].pop("counted_from_ns")), "counted_from_ns"),
    ],
)
def test_damaged_json_is_refused(text: str | bytes, message: str) -> None:
    """The message says what is wrong, and where."""
    with pytest.raises(ResultFormatError, match=re.escape(message)):
        Result.from_json(text)


@given(st.data())
def test_cut_json_is_refused(data: st.DataObject) -> None:
    """At any place."""
    text = RESULT.to_json()
    with pytest.raises(ResultFormatError):
        Result.from_json(text[: data.draw(st.integers(0, len(text) - 1))])


@given(st.data(), st.characters())
def test_json_with_one_wrong_sign_is_refused_or_read(data: st.DataObject, sign: str) -> None:
    """No other error escapes, not even from the figures."""
    text = RESULT.to_json()
    place = data.draw(st.integers(0, len(text) - 1))
    try:
        read = Result.from_json(text[:place] + sign + text[place + 1 :])
        read.perfdata()
    except NetbenchError as error:
        assert isinstance(error, ResultFormatError)  # noqa: PT017 - it need not be raised


def test_a_saved_result_is_loaded_the_same(tmp_path: Path) -> None:
    """Through a file."""
    RESULT.save(tmp_path / "result.json")
    assert Result.load(tmp_path / "result.json") == RESULT


def test_a_path_may_be_text(tmp_path: Path) -> None:
    """As callers write it."""
    RESULT.save(str(tmp_path / "result.json"))
    assert Result.load(str(tmp_path / "result.json")) == RESULT


def test_saving_replaces_what_was_there(tmp_path: Path) -> None:
    """Whole."""
    path = tmp_path / "result.json"
    path.write_text("x" * 1_000_000)
    RESULT.save(path)
    assert Result.load(path) == RESULT


def test_saving_leaves_nothing_else_behind(tmp_path: Path) -> None:
    """The file beside it has become the file."""
    RESULT.save(tmp_path / "result.json")
    assert [each.name for each in tmp_path.iterdir()] == ["result.json"]


def test_a_missing_directory_is_an_error_of_the_host(tmp_path: Path) -> None:
    """The message names the file and says that nothing was changed."""
    with pytest.raises(
        HostError, match=r"^cannot write '.*/missing/result\.json': No such file .* nothing was changed$"
    ):
        RESULT.save(tmp_path / "missing" / "result.json")


def test_a_failed_save_leaves_nothing_behind(tmp_path: Path) -> None:
    """The last step fails here: a directory stands in the way."""
    (tmp_path / "result.json").mkdir()
    with pytest.raises(HostError):
        RESULT.save(tmp_path / "result.json")
    assert [each.name for each in tmp_path.iterdir()] == ["result.json"]


def test_a_failed_save_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full, which shows only at the end."""
    path = tmp_path / "result.json"
    path.write_text("before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(HostError, match="No space left on device"):
        RESULT.save(path)
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"result.json": "before"}


def test_a_missing_file_cannot_be_loaded(tmp_path: Path) -> None:
    """The message names it."""
    with pytest.raises(ResultFormatError, match=r"^cannot read '.*/result\.json': No such file or directory$"):
        Result.load(tmp_path / "result.json")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """Before what is wrong with it."""
    (tmp_path / "result.json").write_text("{")
    with pytest.raises(ResultFormatError, match=r"/result\.json: the stored result is damaged: not JSON"):
        Result.load(tmp_path / "result.json")


def test_a_command_that_is_no_utf8_is_stored_and_read_again(tmp_path: Path) -> None:
    """Python keeps such an argument as lone surrogates."""
    odd = attrs.evolve(RESULT, metadata=attrs.evolve(RESULT.metadata, command=("netbench", "\udcff")))
    odd.save(tmp_path / "result.json")
    assert Result.load(tmp_path / "result.json") == odd


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_a_path_that_cannot_be_is_an_error_of_ours_when_saving(path: str) -> None:
    """It names the path."""
    with pytest.raises(HostError, match="cannot write"):
        RESULT.save(path)


def test_a_path_that_cannot_be_is_an_error_of_ours_when_loading() -> None:
    """It names the path."""
    with pytest.raises(ResultFormatError, match="cannot read"):
        Result.load("a\0b")


def test_nan_is_no_json() -> None:
    """It could not be written again."""
    text = re.sub(r'"wall_s": [0-9.]+', '"wall_s": NaN', RESULT.to_json())
    with pytest.raises(ResultFormatError, match="NaN"):
        Result.from_json(text)


def test_failures_that_are_no_list_are_damage() -> None:
    """They must not be taken for none."""
    with pytest.raises(ResultFormatError, match="failures"):
        Result.from_dict({**RESULT.to_dict(), "failures": ""})
