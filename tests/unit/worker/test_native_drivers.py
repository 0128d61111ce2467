"""The native drivers' two halves, face to face on loopback, in one process."""

from __future__ import annotations

import socket
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import anyio
import pytest

from netbench.clock import Window
from netbench.errors import DriverError
from netbench.metrics import (
    HttpClientRecord,
    HttpServerRecord,
    TcpReceiverRecord,
    TcpSenderRecord,
    UdpReceiverRecord,
    UdpSenderRecord,
)
from netbench.traffic import Http, Tcp, Udp
from netbench.worker.drivers.catalog import make_client, make_server
from tests.unit.worker.tasks import task_for

if TYPE_CHECKING:
    from netbench.metrics import SideReport
    from netbench.traffic import Direction, Traffic
    from netbench.worker.drivers.base import ClientDriver, ServerDriver

pytestmark = pytest.mark.anyio

DURATION_S = 0.3


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time."""
    return "asyncio"


async def armed(traffic: Traffic, stack: AsyncExitStack) -> tuple[ClientDriver, ServerDriver]:
    """Connect both halves."""
    task = task_for(traffic, duration_s=DURATION_S)
    server, client = make_server(task), make_client(task)
    stack.push_async_callback(server.aclose)
    stack.push_async_callback(client.aclose)
    offer = await server.listen()
    async with anyio.create_task_group() as group:
        group.start_soon(client.connect, offer)
        group.start_soon(server.ready)
    return client, server


def soon(duration_s: float = DURATION_S) -> Window:
    """Give a window that begins in 50 ms."""
    now_ns = task_for(Tcp()).clock.now_ns()
    return Window(
        start_ns=now_ns + 50_000_000, warmup_ns=0, duration_ns=round(duration_s * 1e9), interval_ns=100_000_000
    )


async def exchange(traffic: Traffic) -> tuple[SideReport, SideReport]:
    """Run both halves over a window and give their reports."""
    async with AsyncExitStack() as stack:
        client, server = await armed(traffic, stack)
        window = soon()
        async with anyio.create_task_group() as group:
            group.start_soon(server.run, window, 0)
            group.start_soon(client.run, window)
        mine = await client.finish()
        return mine, await server.finish(mine)


@pytest.mark.parametrize("direction", ["forward", "reverse", "both"])
async def test_tcp_reports_each_direction_from_both_sides(direction: Direction) -> None:
    """The sender's record on one side, the receiver's on the other."""
    client, server = await exchange(Tcp(direction=direction, rate_bps=10e6, streams=2))
    directions = {"forward": {"forward"}, "reverse": {"reverse"}, "both": {"forward", "reverse"}}[direction]
    records = [*client.records, *server.records]
    assert {record.direction for record in records if isinstance(record, TcpSenderRecord)} == directions
    assert {record.direction for record in records if isinstance(record, TcpReceiverRecord)} == directions


async def test_tcp_bytes_of_streams_and_of_intervals_add_up_to_the_same() -> None:
    """Two views of one count, on both sides."""
    client, server = await exchange(Tcp(streams=3))
    for record in (*client.records, *server.records):
        assert isinstance(record, TcpSenderRecord | TcpReceiverRecord)
        assert sum(record.stream_bytes) == sum(record.series.amounts)


async def test_udp_counts_agree_datagram_for_datagram() -> None:
    """On loopback nothing is lost; the sent ones of the window are the received ones."""
    client, server = await exchange(Udp(rate_pps=2000, streams=2))
    (sender,), (receiver,) = client.records, server.records
    assert isinstance(sender, UdpSenderRecord)
    assert isinstance(receiver, UdpReceiverRecord)
    assert sender.stream_sent == receiver.stream_received


@pytest.mark.parametrize(
    "traffic", [Udp(rate_pps=5), Udp(rate_pps=2000), Udp(unlimited=True)], ids=["few", "many", "all"]
)
async def test_the_intervals_of_a_udp_sender_cover_the_window_and_all_it_sent(traffic: Udp) -> None:
    """Also where next to no datagram falls into each, and where it never waits."""
    client, _ = await exchange(traffic)
    (sender,) = client.records
    assert isinstance(sender, UdpSenderRecord)
    assert sender.series is not None
    assert sum(sender.series.amounts) == sender.sent_bytes > 0
    assert sender.series.ends_ns[-1] >= DURATION_S * 1e9


async def test_the_intervals_of_a_udp_sender_without_anything_to_send_are_no_longer_than_asked() -> None:
    """One datagram, and then none for the rest of the window."""
    client, _ = await exchange(Udp(rate_pps=1))
    (sender,) = client.records
    assert isinstance(sender, UdpSenderRecord)
    assert sender.series is not None
    assert len(sender.series.ends_ns) > 1


@pytest.mark.parametrize("rate_pps", [100, 500_000])
async def test_a_udp_sender_at_a_rate_tells_how_late_each_datagram_left(rate_pps: float) -> None:
    """Also where it cannot keep the rate, and sends many at once."""
    client, _ = await exchange(Udp(rate_pps=rate_pps, streams=2))
    (sender,) = client.records
    assert isinstance(sender, UdpSenderRecord)
    assert sender.send_lateness is not None
    assert sender.send_lateness.count == sum(sender.stream_sent)


async def test_a_udp_sender_without_a_rate_has_no_datagram_that_is_late() -> None:
    """None was due at an instant of its own."""
    client, _ = await exchange(Udp(unlimited=True))
    (sender,) = client.records
    assert isinstance(sender, UdpSenderRecord)
    assert sender.send_lateness is None


@pytest.mark.parametrize("payload_bytes", [24, 25, 1400, 9000, 65507])
async def test_udp_takes_payloads_of_any_size(payload_bytes: int) -> None:
    """From its own header to the greatest datagram of IPv4."""
    _, server = await exchange(Udp(rate_pps=100, payload_bytes=payload_bytes))
    (receiver,) = server.records
    assert isinstance(receiver, UdpReceiverRecord)
    assert receiver.received_bytes == receiver.stream_received[0] * payload_bytes > 0


@pytest.mark.parametrize(
    "traffic",
    [
        Http(),
        Http(rate_rps=200),
        Http(connection="per-request", connections=2),
        Http(method="POST", request_bytes=700_000, response_bytes=900_000, connections=2),
        Http(response_bytes=0),
    ],
    ids=["closed", "open", "per-request", "large", "empty"],
)
async def test_every_http_request_is_answered_or_an_error(traffic: Http) -> None:
    """The three counts and the histogram tell of the same requests."""
    client, _ = await exchange(traffic)
    (record,) = client.records
    assert isinstance(record, HttpClientRecord)
    assert record.requests == record.responses + sum(record.errors.values())
    assert record.response_time.count == record.responses == record.status_codes["200"] > 0


async def test_an_http_response_time_counts_from_the_intended_start() -> None:
    """In an open loop it is at least the service time and the lateness, in the mean."""
    client, _ = await exchange(Http(rate_rps=300, connections=1))
    (record,) = client.records
    assert isinstance(record, HttpClientRecord)
    assert record.response_time.total == record.service_time.total + record.send_lateness.total


async def test_the_http_server_counts_what_it_answered() -> None:
    """At least what the client counted, for requests before the window are answered too."""
    client, server = await exchange(Http())
    (mine,), (theirs,) = client.records, server.records
    assert isinstance(mine, HttpClientRecord)
    assert isinstance(theirs, HttpServerRecord)
    assert theirs.requests >= mine.responses


@pytest.mark.parametrize("traffic", [Tcp(), Udp(), Http()], ids=["tcp", "udp", "http"])
async def test_a_port_that_is_taken_is_named(traffic: Traffic) -> None:
    """With the reason that a program can look at."""
    kind = socket.SOCK_DGRAM if isinstance(traffic, Udp) else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        port = taken.getsockname()[1]
        server = make_server(task_for(traffic, port=port))
        with pytest.raises(DriverError, match=str(port)) as caught:
            await server.listen()
        await server.aclose()
    assert caught.value.reason == "port-taken"


@pytest.mark.parametrize("traffic", [Tcp(), Udp(), Http()], ids=["tcp", "udp", "http"])
async def test_a_stop_ends_a_long_run_and_keeps_what_was_measured(traffic: Traffic) -> None:
    """An hour's window ends at once."""
    async with AsyncExitStack() as stack:
        client, server = await armed(traffic, stack)
        window = soon(3600)
        async with anyio.create_task_group() as group:
            group.start_soon(server.run, window, 0)
            group.start_soon(client.run, window)
            await anyio.sleep(0.3)
            client.stop()
            server.stop()
        mine = await client.finish()
        theirs = await server.finish(mine)
    assert (len(mine.records), len(theirs.records)) == (1, 1)


async def test_a_stranger_does_not_take_a_tcp_streams_place() -> None:
    """Somebody who connects first without the cookie is closed."""
    task = task_for(Tcp())
    async with AsyncExitStack() as stack:
        server, client = make_server(task), make_client(task)
        stack.push_async_callback(server.aclose)
        stack.push_async_callback(client.aclose)
        offer = await server.listen()
        async with await anyio.connect_tcp("127.0.0.1", offer.ports[0]) as stranger:
            await stranger.send(b"GET / HTTP/1.1\r\n\r\n")
            with anyio.fail_after(10):
                async with anyio.create_task_group() as group:
                    group.start_soon(server.ready)
                    group.start_soon(client.connect, offer)
                with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await stranger.receive()


async def test_a_stranger_is_refused_by_the_http_server() -> None:
    """403 without the session's cookie, and the connection ends."""
    server = make_server(task_for(Http()))
    offer = await server.listen()
    async with await anyio.connect_tcp("127.0.0.1", offer.ports[0]) as stranger:
        await stranger.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await stranger.receive()
    await server.aclose()
    assert answer.startswith(b"HTTP/1.1 403 ")


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    """A TCP port that nobody listens on."""
    task = task_for(Tcp())
    server = make_server(task)
    offer = await server.listen()
    await server.aclose()
    client = make_client(task)
    with pytest.raises(DriverError) as caught:
        await client.connect(offer)
    await client.aclose()
    assert caught.value.reason == "unreachable"


async def test_an_unknown_congestion_control_is_refused_with_those_that_are_there() -> None:
    """On the client, before anything is connected."""
    task = task_for(Tcp(congestion="nonsense"))
    server, client = make_server(task), make_client(task)
    offer = await server.listen()
    with pytest.raises(DriverError, match=r"available: .*reno"):
        await client.connect(offer)
    await client.aclose()
    await server.aclose()
