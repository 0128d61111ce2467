"""What can be asked for, and what is refused by the name of the argument."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.errors import InvalidArgumentError
from netbench.traffic import Http, Tcp, Traffic, Udp

if TYPE_CHECKING:
    from collections.abc import Callable

#: Some of what is no number that a rate or a time could be.
NO_NUMBERS = [0, -1, 0.0, math.nan, math.inf, -math.inf, True, "1", [1]]
NO_COUNTS = [0, -1, 1.0, True, "1", None]


@pytest.mark.parametrize("traffic", [Tcp(), Udp(), Http()])
def test_every_default_is_accepted(traffic: Traffic) -> None:
    """The least code measures something."""
    assert attrs.evolve(traffic) == traffic


@pytest.mark.parametrize(("traffic", "protocol"), [(Tcp(), "tcp"), (Udp(), "udp"), (Http(), "http")])
def test_traffic_names_its_protocol(traffic: Traffic, protocol: str) -> None:
    """In the word that is used on the wire."""
    assert traffic.protocol == protocol


@pytest.mark.parametrize("kind", [Tcp, Udp, Http])
def test_arguments_are_given_by_name(kind: Any) -> None:  # noqa: ANN401 - called wrongly
    """Tcp(4) could mean anything."""
    with pytest.raises(TypeError):
        kind(4)


@pytest.mark.parametrize("traffic", [Tcp(), Udp(), Http()])
def test_traffic_is_frozen(traffic: Any) -> None:  # noqa: ANN401 - used wrongly
    """A value that is shared does not change."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        traffic.payload_bytes = 1


@pytest.mark.parametrize(
    ("kind", "name"),
    [(Tcp, "streams"), (Tcp, "payload_bytes"), (Udp, "streams"), (Udp, "payload_bytes"), (Http, "connections")],
)
@pytest.mark.parametrize("value", NO_COUNTS)
def test_a_count_that_is_none_is_refused(kind: Any, name: str, value: object) -> None:  # noqa: ANN401 - called wrongly
    """The message begins with class and argument, and repeats the value."""
    with pytest.raises(InvalidArgumentError) as caught:
        kind(**{name: value})
    assert (caught.value.argument, caught.value.value) == (f"{kind.__name__}({name}=)", value)


@pytest.mark.parametrize(
    ("kind", "name"),
    [(Tcp, "rate_bps"), (Udp, "rate_bps"), (Udp, "rate_pps"), (Http, "rate_rps"), (Http, "timeout_s")],
)
@pytest.mark.parametrize("value", NO_NUMBERS)
def test_a_rate_or_time_that_is_none_is_refused(
    kind: Any,  # noqa: ANN401 - called wrongly
    name: str,
    value: object,
) -> None:
    """The message begins with class and argument."""
    with pytest.raises(InvalidArgumentError) as caught:
        kind(**{name: value})
    assert str(caught.value).startswith(f"{kind.__name__}({name}=) must be a number above 0, not ")


@pytest.mark.parametrize(
    ("kind", "name", "choices"),
    [
        (Tcp, "direction", "'forward', 'reverse', 'both'"),
        (Tcp, "receive", "'copy', 'discard'"),
        (Http, "method", "'GET', 'POST'"),
        (Http, "connection", "'keep-alive', 'per-request'"),
    ],
)
@pytest.mark.parametrize("value", ["FORWARD", "", None, 3, ["copy"]])
def test_an_unknown_word_is_refused_with_the_choices(
    kind: Any,  # noqa: ANN401 - called wrongly
    name: str,
    choices: str,
    value: object,
) -> None:
    """All of them are listed."""
    with pytest.raises(InvalidArgumentError) as caught:
        kind(**{name: value})
    assert str(caught.value) == f"{kind.__name__}({name}=) must be one of {choices}, not {value!r}"


@pytest.mark.parametrize(
    ("kind", "name", "least", "most"),
    [
        (Tcp, "streams", 1, 128),
        (Tcp, "payload_bytes", 1, 16 * 2**20),
        (Udp, "streams", 1, 128),
        (Udp, "payload_bytes", 24, 65507),
        (Http, "response_bytes", 0, 64 * 2**20),
        (Http, "connections", 1, 4096),
    ],
)
class TestBounds:
    """Every whole number has a least and a greatest value."""

    def test_both_bounds_are_accepted(self, kind: Callable[..., object], name: str, least: int, most: int) -> None:
        """They belong to the range."""
        assert [getattr(kind(**{name: value}), name) for value in (least, most)] == [least, most]

    def test_what_lies_beyond_is_refused_with_the_range(
        self,
        kind: Callable[..., object],
        name: str,
        least: int,
        most: int,
    ) -> None:
        """Both ways."""
        for value in (least - 1, most + 1):
            with pytest.raises(InvalidArgumentError, match=f"must be a whole number from {least} to {most}, not"):
                kind(**{name: value})


@pytest.mark.parametrize("congestion", ["", 3])
def test_a_congestion_control_is_a_word(congestion: Any) -> None:  # noqa: ANN401 - deliberately wrong
    """None takes the system's."""
    with pytest.raises(InvalidArgumentError, match=r"^Tcp\(congestion=\) must be a string that is not empty"):
        Tcp(congestion=congestion)


@pytest.mark.parametrize(
    ("traffic", "directions"),
    [
        (Tcp(), ("forward",)),
        (Tcp(direction="reverse"), ("reverse",)),
        (Tcp(direction="both"), ("forward", "reverse")),
    ],
)
def test_tcp_lists_the_directions_of_its_payload(traffic: Tcp, directions: tuple[str, ...]) -> None:
    """Both at once are two."""
    assert traffic.directions == directions


@pytest.mark.parametrize(
    "arguments",
    [
        {"rate_bps": 1, "rate_pps": 1},
        {"rate_bps": 1, "unlimited": True},
        {"rate_pps": 1, "unlimited": True},
        {"rate_bps": 1, "rate_pps": 1, "unlimited": True},
    ],
)
def test_only_one_rate_may_be_asked_for(arguments: dict[str, Any]) -> None:
    """The message names all three arguments, and those that were given."""
    with pytest.raises(InvalidArgumentError) as caught:
        Udp(**arguments)
    where = "Udp(rate_bps=, rate_pps=, unlimited=)"
    assert str(caught.value) == f"{where} must be at most one of the three, not {', '.join(arguments)!r}"


@pytest.mark.parametrize(
    ("traffic", "asked"),
    [
        (Udp(), 1000.0),
        (Udp(unlimited=True), None),
        (Udp(rate_pps=2.5), 2.5),
        (Udp(rate_bps=8000, payload_bytes=100), 10.0),
        (Udp(rate_pps=50, streams=4), 50.0),
    ],
)
def test_udp_says_how_many_datagrams_are_asked_for(traffic: Udp, asked: float | None) -> None:
    """Of the whole pair; None for unlimited."""
    assert traffic.asked_pps == asked


@given(st.floats(min_value=1, max_value=1e12), st.integers(min_value=24, max_value=65507))
def test_a_rate_in_bits_is_one_of_datagrams(rate_bps: float, payload_bytes: int) -> None:
    """Of payload, without headers."""
    asked = Udp(rate_bps=rate_bps, payload_bytes=payload_bytes).asked_pps
    assert asked is not None
    assert asked * payload_bytes * 8 == pytest.approx(rate_bps)


def test_a_get_has_no_body() -> None:
    """The message says what to write instead."""
    with pytest.raises(InvalidArgumentError, match=r"^Http\(request_bytes=\) must be 0 .* use method='POST', not 5$"):
        Http(request_bytes=5)


def test_a_post_has_a_body() -> None:
    """Of the size that was asked for."""
    assert Http(method="POST", request_bytes=5).request_bytes == 5


@pytest.mark.parametrize(("traffic", "tail_s"), [(Tcp(), 0.0), (Udp(), 0.0), (Http(timeout_s=7), 7)])
def test_only_an_http_answer_may_come_after_the_end(traffic: Traffic, tail_s: float) -> None:
    """As late as its time-out allows."""
    assert traffic.tail_s == tail_s


def test_unlimited_is_true_or_false() -> None:
    """Other values that Python takes for true are not."""
    with pytest.raises(InvalidArgumentError, match=r"^Udp\(unlimited=\)"):
        Udp(unlimited="yes")  # type: ignore[arg-type] # wrong on purpose


def test_a_rate_beyond_any_float_is_refused() -> None:
    """Whole numbers have no limit of their own."""
    with pytest.raises(InvalidArgumentError, match=r"^Tcp\(rate_bps=\)"):
        Tcp(rate_bps=10**400)
