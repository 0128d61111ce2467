"""Reading what iperf2 2.1.8 and iperf3 3.12 printed; the recordings beside this file are whole outputs of real runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netbench.errors import DriverError
from netbench.metrics import TcpReceiverRecord, TcpSenderRecord, UdpReceiverRecord, UdpSenderRecord
from netbench.traffic import Http, Tcp, Udp
from netbench.worker.drivers.external import Finished
from netbench.worker.drivers.iperf2 import Iperf2, parse_lines
from netbench.worker.drivers.iperf3 import Iperf3
from tests.unit.worker.tasks import task_for

if TYPE_CHECKING:
    from netbench.metrics import FlowRecord
    from netbench.traffic import Traffic
    from netbench.worker.drivers.tool import Role, Tool

RECORDED = Path(__file__).with_name("recorded")
UDP = Udp(rate_bps=1e6, payload_bytes=1000)


def finished(output: str, *, code: int = 0, complaint: str = "") -> Finished:
    """Give a program that ended."""
    return Finished(command="iperf", code=code, output=output, complaint=complaint, ended_by_us=False)


def read(tool: Tool, name: str, traffic: Traffic, role: Role) -> tuple[FlowRecord, ...]:
    """Read a recording."""
    task = task_for(traffic, duration_s=1, interval_s=0.5)
    return tool.read(task, role, finished((RECORDED / name).read_text()))


def test_iperf3_both_directions_are_told_apart_on_the_client() -> None:
    """It sends forward and receives in reverse."""
    records = read(Iperf3(), "iperf3_tcp_client.json", Tcp(direction="both", streams=2), "client")
    assert [(type(record), getattr(record, "direction", None)) for record in records] == [
        (TcpSenderRecord, "forward"),
        (TcpReceiverRecord, "reverse"),
    ]


def test_iperf3_both_directions_are_told_apart_on_the_server() -> None:
    """It sends in reverse and receives forward."""
    records = read(Iperf3(), "iperf3_tcp_server.json", Tcp(direction="both", streams=2), "server")
    assert [(type(record), getattr(record, "direction", None)) for record in records] == [
        (TcpSenderRecord, "reverse"),
        (TcpReceiverRecord, "forward"),
    ]


def test_iperf3_bytes_of_streams_and_of_intervals_add_up_to_the_same() -> None:
    """Two views of one count."""
    sender = read(Iperf3(), "iperf3_tcp_client.json", Tcp(direction="both", streams=2), "client")[0]
    assert isinstance(sender, TcpSenderRecord)
    assert sum(sender.stream_bytes) == sum(sender.series.amounts) == 2 * 2_621_440 / 2


def test_iperf3_udp_sender_and_receiver_count_the_same_datagrams() -> None:
    """Nothing was lost on loopback."""
    (sender,) = read(Iperf3(), "iperf3_udp_client.json", UDP, "client")
    (receiver,) = read(Iperf3(), "iperf3_udp_server.json", UDP, "server")
    assert isinstance(sender, UdpSenderRecord)
    assert isinstance(receiver, UdpReceiverRecord)
    assert sender.stream_sent == receiver.stream_received


def test_iperf3_does_not_make_up_what_it_does_not_tell() -> None:
    """Duplicates, drops and delays are missing, not 0."""
    (receiver,) = read(Iperf3(), "iperf3_udp_server.json", UDP, "server")
    assert isinstance(receiver, UdpReceiverRecord)
    assert (receiver.duplicated, receiver.socket_drops, receiver.delay) == (None, None, None)


def test_an_error_in_iperf3s_json_is_quoted() -> None:
    """With the command that was run."""
    output = json.dumps({"start": {}, "intervals": [], "end": {}, "error": "unable to connect to server"})
    with pytest.raises(DriverError, match="unable to connect to server"):
        Iperf3().read(task_for(Tcp()), "client", finished(output, code=1))


def test_an_interrupted_iperf3_keeps_what_it_measured() -> None:
    """Its JSON is whole, with an error that says who ended it."""
    report = json.loads((RECORDED / "iperf3_udp_client.json").read_text())
    report["error"] = "interrupt - the client has terminated"
    assert len(Iperf3().read(task_for(UDP), "client", finished(json.dumps(report), code=1))) == 1


def test_output_that_is_not_json_is_a_failure_of_the_program() -> None:
    """It is quoted too."""
    with pytest.raises(DriverError, match="Segmentation fault"):
        Iperf3().read(task_for(Tcp()), "client", finished("", code=-11, complaint="Segmentation fault"))


def test_json_without_streams_is_a_failure_of_the_program() -> None:
    """Another version's form is not guessed at."""
    with pytest.raises(DriverError, match="cannot be understood"):
        Iperf3().read(task_for(Tcp()), "client", finished('{"intervals": [{}], "end": {}}'))


def test_iperf2_tcp_is_read_per_stream() -> None:
    """Two streams with the intervals' bytes each."""
    (sender,) = read(Iperf2(), "iperf2_tcp_client.txt", Tcp(streams=2), "client")
    assert isinstance(sender, TcpSenderRecord)
    assert sender.stream_bytes == (655420 + 655360,) * 2


def test_iperf2_tcp_sender_tells_retransmits_and_round_trips() -> None:
    """From its enhanced report."""
    (sender,) = read(Iperf2(), "iperf2_tcp_client.txt", Tcp(streams=2), "client")
    assert isinstance(sender, TcpSenderRecord)
    assert (sender.retransmits, sender.rtt is not None and sender.rtt.maximum) == (0, 2_756_000)


def test_iperf2_tcp_receiver_has_its_own_record() -> None:
    """Of the server's output."""
    (receiver,) = read(Iperf2(), "iperf2_tcp_server.txt", Tcp(streams=2), "server")
    assert isinstance(receiver, TcpReceiverRecord)


def test_iperf2_udp_sender_and_receiver_count_the_same_datagrams() -> None:
    """128 of them; the server's report that the client repeats is not counted again."""
    (sender,) = read(Iperf2(), "iperf2_udp_client.txt", UDP, "client")
    (receiver,) = read(Iperf2(), "iperf2_udp_server.txt", UDP, "server")
    assert isinstance(sender, UdpSenderRecord)
    assert isinstance(receiver, UdpReceiverRecord)
    assert (sender.stream_sent, receiver.stream_received) == ((128,), (128,))


def test_iperf2_that_could_not_connect_is_a_failure_although_it_exits_with_0() -> None:
    """There is no report in its output."""
    with pytest.raises(DriverError, match="Connection refused"):
        Iperf2().read(task_for(Tcp()), "client", finished("", complaint="tcp connect failed: Connection refused"))


def test_iperf2_that_goes_on_with_another_congestion_control_is_a_failure() -> None:
    """It only warns, and what it measures is not what was asked for."""
    output = (RECORDED / "iperf2_tcp_client.txt").read_text()
    complaint = "Attempt to set 'nonsense' congestion control failed: No such file or directory"
    with pytest.raises(DriverError, match="nonsense"):
        Iperf2().read(task_for(Tcp(congestion="nonsense")), "client", finished(output, complaint=complaint))


def test_lines_that_are_no_reports_are_passed_over() -> None:
    """Headings, sums and connection times."""
    assert parse_lines("[ ID] Interval\n[SUM] 0.0000-1.0000 sec  5 Bytes  5 Bytes/sec\nServer listening\n") == {}


@pytest.mark.parametrize(
    ("tool", "traffic"),
    [
        (Iperf3(), Http()),
        (Iperf2(), Http()),
        (Iperf3(), Tcp(receive="discard")),
        (Iperf2(), Tcp(receive="discard")),
        (Iperf2(), Tcp(direction="both")),
    ],
    ids=str,
)
def test_what_a_program_cannot_do_is_refused(tool: Tool, traffic: Traffic) -> None:
    """Before it is started."""
    with pytest.raises(DriverError) as caught:
        tool.check(task_for(traffic))
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize(
    ("tool", "traffic", "words"),
    [
        (Iperf3(), Udp(rate_bps=8e6, streams=4), ["-u", "-P", "4", "-l", "1400", "-b", "2000000"]),
        (Iperf3(), Udp(unlimited=True), ["-b", "0"]),
        (Iperf3(), Tcp(direction="both"), ["--bidir"]),
        (Iperf3(), Tcp(congestion="reno"), ["-C", "reno"]),
        (Iperf2(), Udp(rate_bps=8e6, streams=4), ["-l", "1400", "-b", "2000000"]),
        (Iperf2(), Tcp(direction="reverse"), ["-R"]),
        (Iperf2(), Tcp(congestion="reno"), ["-Z", "reno"]),
    ],
    ids=str,
)
def test_the_command_line_asks_for_what_the_traffic_says(tool: Tool, traffic: Traffic, words: list[str]) -> None:
    """Rates are shared by the streams, for both programs' rates are of each."""
    command = tool.arguments(task_for(traffic), "client", 5201)
    assert any(command[place : place + len(words)] == words for place in range(len(command)))
