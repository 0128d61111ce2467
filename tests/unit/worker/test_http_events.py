"""Both ways to wait for sockets keep the same promises."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from netbench.worker.drivers.native_http.events import READ, WRITE, SelectorEvents, make_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netbench.worker.drivers.native_http.events import Events


@pytest.fixture(params=[make_events, SelectorEvents], ids=["fastest", "everywhere"])
def events(request: pytest.FixtureRequest) -> Iterator[Events]:
    """Give one of them."""
    make: Callable[[], Events] = request.param
    with closing(make()) as made:
        yield made


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Give two sockets that are connected."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_nothing_is_ready_when_the_time_is_over(events: Events, pair: tuple[socket.socket, socket.socket]) -> None:
    """An empty list, which is false."""
    events.watch(pair[0].fileno(), READ)
    assert events.wait(0) == []


def test_what_was_not_read_is_told_again(events: Events, pair: tuple[socket.socket, socket.socket]) -> None:
    """As long as it is there."""
    events.watch(pair[0].fileno(), READ)
    pair[1].send(b"ab")
    assert [events.wait(5), events.wait(5)] == [[(pair[0].fileno(), READ)]] * 2


def test_a_descriptor_can_be_watched_for_something_else(
    events: Events, pair: tuple[socket.socket, socket.socket]
) -> None:
    """For writing, and for both."""
    descriptor = pair[0].fileno()
    pair[1].send(b"a")
    events.watch(descriptor, WRITE)
    first = events.wait(5)
    events.change(descriptor, READ | WRITE)
    assert (first, events.wait(5)) == ([(descriptor, WRITE)], [(descriptor, READ | WRITE)])


def test_a_forgotten_descriptor_is_told_no_more(events: Events, pair: tuple[socket.socket, socket.socket]) -> None:
    """Though there is something to read."""
    events.watch(pair[0].fileno(), READ)
    pair[1].send(b"a")
    events.forget(pair[0].fileno())
    assert events.wait(0) == []


def test_a_hang_up_asks_to_read(events: Events, pair: tuple[socket.socket, socket.socket]) -> None:
    """Which then finds it out."""
    events.watch(pair[0].fileno(), READ)
    pair[1].close()
    ((descriptor, mask),) = events.wait(5)
    assert (descriptor, bool(mask & ~WRITE)) == (pair[0].fileno(), True)
