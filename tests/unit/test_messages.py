"""The wire format: whatever travels comes back the same, and nothing is bent to fit."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.errors import ProtocolError
from netbench.messages import (
    ControlRecord,
    PairOutcome,
    PairRequest,
    PairStatus,
    Phase,
    WorkerHello,
    from_wire,
    to_wire,
)
from netbench.metrics import (
    FlowRecord,
    HistogramData,
    IntervalSeries,
    Usage,
)
from netbench.traffic import Http, Tcp, Traffic, Udp

#: Unions, for functions that ask for a class.
ANY_TRAFFIC: Any = Traffic
ANY_RECORD: Any = FlowRecord

finite = st.floats(allow_nan=False, allow_infinity=False)
times = st.floats(min_value=0.001, max_value=1e6)
rates = st.none() | st.floats(min_value=1, max_value=1e12)
#: Classes that check their arguments, and floats, which are not always equal to themselves.
SPECIAL: dict[Any, st.SearchStrategy[Any]] = {
    float: finite,
    Tcp: st.builds(
        Tcp,
        streams=st.integers(1, 128),
        direction=st.sampled_from(["forward", "reverse", "both"]),
        payload_bytes=st.integers(1, 2**20),
        rate_bps=rates,
        congestion=st.none() | st.text(min_size=1),
    ),
    Udp: st.builds(Udp, rate_pps=rates, payload_bytes=st.integers(24, 65507), streams=st.integers(1, 128)),
    Http: st.builds(
        Http,
        method=st.just("POST"),
        request_bytes=st.integers(0, 2**20),
        response_bytes=st.integers(0, 2**20),
        connections=st.integers(1, 4096),
        rate_rps=rates,
        timeout_s=times,
    ),
    IntervalSeries: st.lists(st.tuples(st.integers(), st.integers()), max_size=2).map(
        lambda pairs: IntervalSeries(
            ends_ns=tuple(end for end, _ in pairs), amounts=tuple(amount for _, amount in pairs)
        )
    ),
    HistogramData: st.lists(st.integers(), max_size=2).flatmap(
        lambda values: st.builds(
            HistogramData,
            count=st.just(len(values)),
            total=st.just(sum(values)),
            minimum=st.just(min(values, default=None)),
            maximum=st.just(max(values, default=None)),
        )
    ),
}


@cache
def any_of(hint: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - whatever fields are annotated with
    """Give any value of this type: every field of every class that travels is filled, new ones too."""
    if hint in SPECIAL:
        return SPECIAL[hint]
    arguments = get_args(hint)
    if attrs.has(hint):
        return st.builds(hint, **{name: any_of(each) for name, each in get_type_hints(hint).items()})
    if get_origin(hint) in {Union, UnionType}:
        return st.one_of([any_of(each) for each in arguments])
    if get_origin(hint) is tuple:
        return st.lists(any_of(arguments[0]), max_size=2).map(tuple)
    if get_origin(hint) is dict:
        return st.dictionaries(any_of(arguments[0]), any_of(arguments[1]), max_size=2)
    return st.from_type(hint)


traffics = any_of(Traffic)
records = any_of(FlowRecord)
messages = st.one_of([any_of(kind) for kind in (PairRequest, PairStatus, WorkerHello, ControlRecord)])

#: Anything that JSON can say.
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def through_json(data: object) -> Any:  # noqa: ANN401 - JSON data
    """Write JSON data down and read them again."""
    return json.loads(json.dumps(data))


def usage(**changes: object) -> dict[str, object]:
    """Give a processor time as it travels, with changes."""
    return {**to_wire(Usage(cpu_user_s=0.5, cpu_system_s=0.25, wall_s=1.0)), **changes}


def control(**changes: object) -> dict[str, object]:
    """Give a control record as it travels, with changes."""
    return {**to_wire(ControlRecord(run_id="r", round_index=0)), **changes}


def places(data: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the paths to all values within JSON data, but for the whole."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(data, dict):
        inner = list(data.items())
    elif isinstance(data, list):
        inner = list(enumerate(data))
    return [place for key, value in inner for place in ((*path, key), *places(value, (*path, key)))]


def replaced(data: object, path: tuple[Any, ...], value: object) -> object:
    """Give JSON data with another value at this path."""
    changed = deepcopy(data)
    inner: Any = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def value_at(data: Any, path: tuple[Any, ...]) -> object:  # noqa: ANN401 - JSON data
    """Give the value at this path of JSON data."""
    for key in path:
        data = data[key]
    return data


# -- round trips -------------------------------------------------------------------------------------------------------


@given(messages)
def test_every_message_comes_back_the_same(message: object) -> None:
    """Through JSON text."""
    assert from_wire(through_json(to_wire(message)), type(message)) == message


@given(traffics)
def test_traffic_comes_back_as_its_own_class(traffic: Traffic) -> None:
    """Its protocol tells which it is."""
    assert from_wire(through_json(to_wire(traffic, ANY_TRAFFIC)), ANY_TRAFFIC) == traffic


@given(records)
def test_a_record_comes_back_as_its_own_class(record: FlowRecord) -> None:
    """Its kind tells which it is."""
    assert from_wire(through_json(to_wire(record, ANY_RECORD)), ANY_RECORD) == record


@given(messages)
def test_reading_leaves_the_data_alone(message: object) -> None:
    """They can be read twice."""
    data = through_json(to_wire(message))
    before = deepcopy(data)
    from_wire(data, type(message))
    assert data == before


@given(st.sampled_from(Phase))
def test_a_phase_travels_as_its_word(phase: Phase) -> None:
    """And comes back as a phase."""
    assert (to_wire(phase), type(from_wire(phase.value, Phase))) == (phase.value, Phase)


@pytest.mark.parametrize(("traffic", "tag"), [(Tcp(), "tcp"), (Udp(), "udp"), (Http(), "http")])
def test_traffic_travels_with_its_protocol(traffic: Traffic, tag: str) -> None:
    """Under the name that the class has for it, too."""
    assert to_wire(traffic, ANY_TRAFFIC)["protocol"] == tag


def test_what_has_a_default_may_be_left_out() -> None:
    """Unlike all the rest."""
    assert from_wire({"run_id": "r", "round_index": 3}, ControlRecord) == ControlRecord(run_id="r", round_index=3)


def test_a_whole_number_is_taken_for_a_float() -> None:
    """JSON knows only numbers."""
    assert type(from_wire(usage(wall_s=2), Usage).wall_s) is float


@pytest.mark.parametrize("phase", Phase)
def test_only_done_and_failed_are_final(phase: Phase) -> None:
    """Nothing follows them."""
    assert phase.final == (phase in {Phase.DONE, Phase.FAILED})


# -- strictness --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [1.5, 1.0, "1", True, None, [], {}])
def test_an_int_is_never_made_of_something_else(wrong: object) -> None:
    """1.5 is not rounded, and true is not 1."""
    with pytest.raises(ProtocolError, match=r"^not a valid ControlRecord: .*int @ \$\.round_index$"):
        from_wire(control(round_index=wrong), ControlRecord)


@pytest.mark.parametrize("wrong", ["1", "nan", True, None, [], {}])
def test_a_float_is_never_made_of_something_else(wrong: object) -> None:
    """Of text least of all."""
    with pytest.raises(ProtocolError, match=r"^not a valid Usage: .*float @ \$\.wall_s$"):
        from_wire(usage(wall_s=wrong), Usage)


@pytest.mark.parametrize("wrong", [0, 1, 0.0, "", "true", None, []])
def test_a_bool_is_never_made_of_something_else(wrong: object) -> None:
    """0 is not false."""
    with pytest.raises(ProtocolError, match=r"^not a valid ControlRecord: .*bool @ \$\.stop$"):
        from_wire(control(stop=wrong), ControlRecord)


@pytest.mark.parametrize("wrong", [0, 1.5, True, None, ["r"], {}])
def test_a_text_is_never_made_of_something_else(wrong: object) -> None:
    """A number is not written out."""
    with pytest.raises(ProtocolError, match=r"^not a valid ControlRecord: .*str @ \$\.run_id$"):
        from_wire(control(run_id=wrong), ControlRecord)


def test_an_unknown_key_is_refused() -> None:
    """A newer version would mean something by it."""
    with pytest.raises(ProtocolError, match=r"^not a valid ControlRecord: extra fields found \(urgent\) @ \$$"):
        from_wire(control(urgent=True), ControlRecord)


def test_an_unknown_key_of_traffic_is_refused() -> None:
    """The tag is not in its way."""
    with pytest.raises(ProtocolError, match=r"extra fields found \(urgent\)"):
        from_wire({**to_wire(Tcp(), ANY_TRAFFIC), "urgent": True}, ANY_TRAFFIC)


def test_a_missing_key_is_refused() -> None:
    """The message says which."""
    with pytest.raises(ProtocolError, match=r"required field missing @ \$\.round_index"):
        from_wire({"run_id": "r"}, ControlRecord)


def test_every_wrong_place_is_listed() -> None:
    """Not only the first."""
    with pytest.raises(ProtocolError, match=r"\$\.cpu_user_s; .*\$\.wall_s"):
        from_wire(usage(cpu_user_s="x", wall_s="x"), Usage)


def test_an_unknown_phase_is_refused() -> None:
    """It is none of the words."""
    with pytest.raises(ProtocolError, match=r"\$\.phase"):
        from_wire({"run_id": "r", "pair_id": "p", "phase": "Dreaming"}, PairStatus)


def test_an_unknown_unit_is_refused() -> None:
    """It is none of the words."""
    data = to_wire(HistogramData(unit="ns", count=0, total=0, minimum=None, maximum=None, positive=""))
    with pytest.raises(ProtocolError, match=r"^not a valid HistogramData: .*\$\.unit$"):
        from_wire({**data, "unit": "furlong"}, HistogramData)


@pytest.mark.parametrize("wrong", [None, 3, "tcp", [], {}, {"protocol": "sctp"}, {"protocol": None}, {"protocol": []}])
def test_what_is_no_traffic_is_refused(wrong: object) -> None:
    """Whatever its shape."""
    with pytest.raises(ProtocolError, match=r"^not a valid "):
        from_wire(wrong, ANY_TRAFFIC)


@pytest.mark.parametrize("change", [{"streams": 0}, {"streams": 1.5}, {"direction": "up"}, {"rate_bps": -1}])
def test_traffic_is_checked_when_it_arrives(change: dict[str, object]) -> None:
    """As when it is made."""
    with pytest.raises(ProtocolError):
        from_wire({**to_wire(Tcp(), ANY_TRAFFIC), **change}, ANY_TRAFFIC)


@given(plain, st.sampled_from([PairRequest, PairStatus, WorkerHello, PairOutcome, Usage, ANY_TRAFFIC, ANY_RECORD]))
def test_any_other_data_are_refused(data: object, kind: Any) -> None:  # noqa: ANN401 - a class or a union
    """With ProtocolError and no other."""
    with pytest.raises(ProtocolError):
        from_wire(data, kind)


@given(messages, st.data())
def test_a_message_with_one_place_changed_is_refused_or_read(message: object, data: st.DataObject) -> None:
    """No other error escapes, and what is read is of the right class."""
    sent = through_json(to_wire(message))
    changed = replaced(sent, data.draw(st.sampled_from(places(sent))), data.draw(plain))
    try:
        received: object = from_wire(changed, type(message))
    except ProtocolError:
        return
    assert type(received) is type(message)


@given(messages, st.data())
def test_no_field_may_be_a_fraction_but_a_float(message: object, data: st.DataObject) -> None:
    """Whole numbers anywhere in a message are whole."""
    sent = through_json(to_wire(message))
    whole = [path for path in places(sent) if type(value_at(sent, path)) is int]
    if not whole:
        return
    with pytest.raises(ProtocolError):
        from_wire(replaced(sent, data.draw(st.sampled_from(whole)), 1.5), type(message))


def test_a_message_is_frozen() -> None:
    """Values that are passed on do not change."""
    record: Any = ControlRecord(run_id="r", round_index=0)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        record.stop = True


@pytest.mark.parametrize("damaged", ["abc", {}, {"a": 1}, 5])
def test_only_a_list_is_a_sequence(damaged: object) -> None:
    """A string is not taken letter by letter, nor a mapping key by key."""
    with pytest.raises(ProtocolError):
        from_wire({"ends_ns": damaged, "amounts": []}, IntervalSeries)


def test_as_many_amounts_as_intervals_are_needed() -> None:
    """Or their totals would be wrong without a word."""
    with pytest.raises(ProtocolError, match="one amount for each of 1 intervals"):
        from_wire({"ends_ns": [1], "amounts": [1, 5]}, IntervalSeries)


def test_an_argument_that_is_refused_on_arrival_is_named() -> None:
    """In the words of the class that refused it."""
    with pytest.raises(ProtocolError, match=r"Tcp\(streams=\) must be"):
        from_wire({**to_wire(Tcp(), ANY_TRAFFIC), "streams": 0}, ANY_TRAFFIC)


def test_a_histogram_with_values_has_bounds() -> None:
    """A damaged one is refused, not taken for an empty one."""
    with pytest.raises(ProtocolError, match="minimum"):
        from_wire({"unit": "ns", "count": 1, "total": 1, "minimum": None, "maximum": 1, "positive": ""}, HistogramData)
