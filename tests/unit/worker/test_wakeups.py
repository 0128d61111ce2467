"""How many bytes a receiving thread is woken for."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbench.worker.drivers.native_tcp.wakeups import WakeUps, wake_amount

if TYPE_CHECKING:
    from collections.abc import Iterator

MS = 1_000_000


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    """Give one end of a TCP connection."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0],
    ):
        yield client


def amount_of(connection: socket.socket) -> int:
    """Ask the kernel for how many bytes it wakes a reader."""
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)


@pytest.mark.parametrize(
    ("bytes_per_s", "amount"),
    [
        pytest.param(0, 1, id="nothing came"),
        pytest.param(100e6 / 8, 1, id="100 Mbit/s"),
        pytest.param(1e9 / 8, 64 * 1024, id="1 Gbit/s"),
        pytest.param(100e9 / 8, 512 * 1024, id="100 Gbit/s"),
    ],
)
def test_a_reader_is_woken_for_what_comes_in_a_millisecond(bytes_per_s: float, amount: int) -> None:
    """A slow stream's for every byte, a very fast one's for what a cache holds."""
    assert wake_amount(bytes_per_s) == amount


@given(st.floats(0, 1e12))
def test_no_byte_waits_for_longer_than_a_millisecond_at_a_steady_rate(bytes_per_s: float) -> None:
    """The amount is there by then."""
    assert wake_amount(bytes_per_s) <= max(1, bytes_per_s / 1000)


def test_a_stream_that_slows_down_is_read_byte_by_byte_again(connection: socket.socket) -> None:
    """What the kernel was told follows the rate, up and down."""
    wake_ups = WakeUps(connection)
    due = wake_ups.adapt(0, 0)
    assert (due, amount_of(connection)) == (MS, 1)
    wake_ups.adapt(MS, 1_000_000)
    assert amount_of(connection) == 512 * 1024
    wake_ups.adapt(51 * MS, 1_010_000)
    assert amount_of(connection) == 1


def test_a_socket_that_cannot_be_told_is_read_as_before(connection: socket.socket) -> None:
    """Another process' end of it broke, or the system does not know the option."""
    wake_ups = WakeUps(connection)
    wake_ups.adapt(0, 0)
    connection.close()
    assert wake_ups.adapt(MS, 1_000_000) == 2 * MS
