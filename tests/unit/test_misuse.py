"""Wrong arguments: an error of ours that names the argument, before anything is started."""

from __future__ import annotations

from typing import Any

import pytest

import netbench as nb

MEASUREMENTS = [
    ({"duration_s": 0}, "duration_s"),
    ({"duration_s": -1}, "duration_s"),
    ({"duration_s": float("inf")}, "duration_s"),
    ({"duration_s": "10"}, "duration_s"),
    ({"warmup_s": -1}, "warmup_s"),
    ({"interval_s": 0}, "interval_s"),
    ({"interval_s": 20}, "interval_s"),
    ({"duration_s": 10**6, "interval_s": 0.001}, "interval_s"),
    ({"driver": "wrk"}, "driver"),
    ({"driver": "iperf3", "duration_s": 1.5}, "duration_s"),
    ({"driver": "iperf3", "interval_s": 0.01}, "interval_s"),
    ({"seed": -1}, "seed"),
    ({"port": 0}, "port"),
    ({"port": 65536}, "port"),
    ({"arm_timeout_s": 0}, "arm_timeout_s"),
]


@pytest.mark.parametrize(("arguments", "name"), MEASUREMENTS, ids=str)
def test_a_wrong_argument_of_a_measurement_is_named(arguments: dict[str, Any], name: str) -> None:
    """The message begins with it."""
    with pytest.raises(nb.InvalidArgumentError, match=rf"^Measurement\({name}=\) must be "):
        nb.Measurement(nb.Tcp(), **arguments)


def test_traffic_must_be_traffic() -> None:
    """Its class is not enough."""
    with pytest.raises(nb.InvalidArgumentError, match="Tcp"):
        nb.Measurement(nb.Tcp)  # type: ignore[arg-type] # wrong on purpose


@pytest.mark.parametrize("driver", ["iperf2", "iperf3"])
def test_the_iperf_programs_do_not_speak_http(driver: str) -> None:
    """The error says which driver does."""
    with pytest.raises(nb.InvalidArgumentError, match="'native' for Http"):
        nb.Measurement(nb.Http(), driver=driver)  # type: ignore[arg-type] # wrong on purpose


@pytest.mark.parametrize("driver", ["iperf2", "iperf3"])
def test_the_iperf_programs_cannot_warm_up_udp(driver: str) -> None:
    """Their two sides would leave out different datagrams, and call the difference lost."""
    with pytest.raises(nb.InvalidArgumentError, match="warmup_s"):
        nb.Measurement(nb.Udp(), warmup_s=1, driver=driver)  # type: ignore[arg-type] # wrong on purpose
