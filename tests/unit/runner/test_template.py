"""Templates: equal to Go's byte for byte, with a defence, with limits, and with words for what is missing."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.runner.documents import read_document
from netbench.runner.places import Place, Problems
from netbench.runner.template import Int, Int64, TemplateError, render

#: What Go 1.26 with ClusterLoader2's functions makes of these templates; None where it refuses them, or writes
#: <no value>.
GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden_templates.json").read_text())


def variables_of(text: str) -> dict[str, object]:
    """Read variables as an override file has them."""
    document = read_document(text, lambda line, column: Place(path=None, line=line, column=column), Problems())
    assert document is not None
    values = document.plain()
    assert isinstance(values, dict)
    return {**values, "Nodes": Int(2)}


VARIABLES = {name: variables_of(text) for name, text in GOLDEN["variables"].items()}


def text_of(template: str, **variables: object) -> str:
    """Render a template."""
    return render(template, variables).text.decode()


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: str(case["template"])[:60])
def test_the_text_equals_gos(case: dict[str, Any]) -> None:
    """Spaces and mistakes in formats included."""
    try:
        text = render(case["template"], VARIABLES[case["variables"]]).text.decode()
    except TemplateError:
        text = None
    assert text == case["text"]


@pytest.mark.parametrize(
    "number", ["0o", "0x", "0b", "08", "0o9", "1__0", "_1", "1_", "0o\udc91", "1e", "--1", "1.2.3"]
)
def test_what_is_no_number_is_refused(number: str) -> None:
    """As Go does it."""
    with pytest.raises(TemplateError):
        text_of("{{" + number + "}}")


@pytest.mark.parametrize("word", ["define", "template", "block"])
def test_what_is_not_supported_is_refused_by_name(word: str) -> None:
    """And not taken for text."""
    with pytest.raises(TemplateError, match=rf"\{{\{{{word}\}}\}} is not supported"):
        text_of(f'{{{{{word} "x" .}}}}')


def test_a_missing_variable_is_an_error_that_names_what_there_is() -> None:
    """Go would write <no value>."""
    with pytest.raises(TemplateError, match=r"there is no \.CL2_PROTOCL: did you mean CL2_PROTOCOL\?"):
        text_of("{{.CL2_PROTOCL}}", CL2_PROTOCOL="TCP", Other=1)


def test_all_missing_variables_are_said_at_once() -> None:
    """With their places."""
    with pytest.raises(TemplateError) as caught:
        text_of("{{.A}} {{.B}}")
    assert [(error.message, error.offset) for error in caught.value.all()] == [
        ("there is no .A", 2),
        ("there is no .B", 9),
    ]


def test_a_missing_variable_may_be_asked_for() -> None:
    """As templates do it to have defaults."""
    assert text_of("{{DefaultParam .A 5}} {{if .A}}x{{end}}") == "5 "


def test_numbers_of_files_are_floats_and_those_of_the_environment_are_not() -> None:
    """As in ClusterLoader2, which writes large ones differently."""
    assert text_of("{{.A}} {{.B}}", A=1_000_000, B=Int64(1_000_000)) == "1e+06 1000000"


@pytest.mark.parametrize(
    "value",
    ["x\nother: y", "x: y", "[a", "*alias", "&a b", "'", '"', "x #comment\nother: 1", "- x", "{a: b}", "|", "a:"],
)
def test_a_value_that_breaks_out_of_its_place_is_refused(value: str) -> None:
    """The message names the variable."""
    with pytest.raises(TemplateError, match=r"the value of \.V breaks out of its place"):
        text_of("key: {{.V}}\nnext: 1\n", V=value)


@pytest.mark.parametrize("value", ["worker-7d4f-x2v9k", "10.0.0.1", "tcp-1:1", "a b", "50%", "/var/log", "é", "a,b"])
@pytest.mark.parametrize("template", ["{{.V}}: 1\nnext: 2\n", "key: {{.V}}\n"])
def test_a_harmless_value_may_stand_as_key_and_as_value(template: str, value: str) -> None:
    """Pod names as keys are fine."""
    assert value in text_of(template, V=value)


def test_what_a_function_cannot_do_with_other_strings_is_no_break_out() -> None:
    """A string that holds a number is added, wherever that is written."""
    assert text_of("key: {{AddInt .N 1}} {{.V}}\n", N="17", V="a b") == "key: 18 a b\n"


def test_seeded_data_equals_clusterloaders() -> None:
    """From its own tests."""
    expected = "HlXm60Fjrvvp0pE3RK7lDhhhuQZpI6ECS18Gp0qqwFlOKjlZH4rFS3pk9pBkVRLzyqIWUv1Omfnmj7djTRjxL4bnp2kG7O5xD2Rf"
    assert text_of('{{RandDataWithSeed 100 "test"}}') == expected


@given(st.integers(0, 200))
def test_random_data_has_its_length(length: int) -> None:
    """Of letters and digits."""
    text = text_of(f"{{{{RandData {length}}}}}")
    assert len(text) == length
    assert text.isalnum() or not text


@given(st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_random_numbers_are_in_their_range(least: int, most: int) -> None:
    """The first one if the range is empty."""
    number = int(text_of(f"{{{{RandIntRange {least} {most}}}}}"))
    assert number == least if least >= most else least <= number <= most


@pytest.mark.parametrize(
    "template",
    [
        "{{range Loop 1000000}}{{range Loop 1000000}}{{end}}{{end}}",
        "{{range 1000000000000}}{{end}}",
        "{{Loop 1e12}}",
        "{{RandData 1e12}}",
        '{{printf "%1000000s" ""}}{{printf "%1000000000s" "x"}}',
        '{{$x := "xxxxxxxxxx"}}{{range Loop 60}}{{$x = Concat $x $x}}{{end}}',
        "{{range Loop 100000}}{{RandData 1000}}{{end}}",
        "{{" + "(" * 500 + "1" + ")" * 500 + "}}",
        "{{if true}}" * 500 + "{{end}}" * 500,
    ],
)
def test_what_would_take_unreasonable_time_or_space_is_refused(template: str) -> None:
    """Or is harmless; in any case it ends."""
    with suppress(TemplateError):
        assert len(text_of(template)) < 3_000_000


def offset_of_error(template: str, **variables: object) -> int:
    """Render; give the place of the error, or 0 where there is none."""
    try:
        text_of(template, **variables)
    except TemplateError as error:
        return error.offset
    return 0


@given(st.text(st.sampled_from(list("{}$.|()\"'`-+=:/* abif0149\n\\")), max_size=60))
def test_any_text_is_rendered_or_refused(text: str) -> None:
    """Nothing else can happen."""
    assert 0 <= offset_of_error("{{" + text, a="b", b=1) <= len(text) + 2


PIECES = st.sampled_from(
    (
        *("{{", "}}", "{{- ", " -}}", "if ", "else", "end", "range ", "with ", "$x := ", "$x", ".a", ".b", "eq ", "1"),
        *('"s"', "`r`", "(", ")", " | ", "len ", "index ", "printf ", "%d", "Loop ", "AddInt ", "\n", "key: ", "/*"),
        *("*/", "2.5"),
    )
)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_pieces_of_templates_are_rendered_or_refused(text: str) -> None:
    """Nothing else can happen."""
    assert 0 <= offset_of_error(text, a=["b", 3], b={"c": "d: e"}) <= len(text)
