"""The kernel's counters, as its files have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.worker.host_counters import HostSnapshot
from netbench.worker.usage import read_threads

if TYPE_CHECKING:
    from pathlib import Path

DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
    lo: 1000 10 0 {lo} 0 0 0 0 1000 10 0 0 0 0 0 0
  eth0: 1000 10 0 0 0 0 0 0 1000 10 0 {eth} 0 0 0 0
"""
SNMP = """\
Tcp: RtoAlgorithm OutSegs RetransSegs
Tcp: 1 {segments} {again}
Udp: InDatagrams RcvbufErrors SndbufErrors
Udp: 5 {received} {sent}
"""


def snapshot(
    proc: Path,
    *,
    cpu: str = "100 0 100 700 100 0 0 0 0 0",
    softnet: tuple[int, int] = (0, 0),
    drops: tuple[int, int] = (0, 0),
    udp: tuple[int, int] = (0, 0),
    tcp: tuple[int, int] = (0, 0),
) -> HostSnapshot:
    """Write the files and read them."""
    (proc / "net").mkdir(exist_ok=True)
    (proc / "stat").write_text(f"cpu  {cpu}\ncpu0 {cpu}\n")
    (proc / "net" / "softnet_stat").write_text(f"0000ffff {softnet[0]:08x} {softnet[1]:08x} 00000000\n" * 2)
    (proc / "net" / "dev").write_text(DEV.format(lo=drops[0], eth=drops[1]))
    (proc / "net" / "snmp").write_text(SNMP.format(segments=tcp[0], again=tcp[1], received=udp[0], sent=udp[1]))
    return HostSnapshot.now(str(proc))


def test_counters_are_what_changed(tmp_path: Path) -> None:
    """Over all processors and interfaces."""
    before = snapshot(tmp_path)
    after = snapshot(
        tmp_path, cpu="150 0 120 760 110 0 0 60 0 0", softnet=(3, 17), drops=(1, 4), udp=(7, 8), tcp=(1000, 30)
    )
    counted = after.since(before)
    assert counted is not None
    assert (counted.idle_share, counted.steal_share) == (0.35, 0.3)
    assert (counted.softnet_dropped, counted.softnet_squeezed) == (6, 34)
    assert counted.interface_dropped == 5
    assert (counted.udp_receive_buffer_errors, counted.udp_send_buffer_errors) == (7, 8)
    assert (counted.tcp_segments, counted.tcp_retransmits) == (1000, 30)


def test_what_cannot_be_read_is_missing_and_not_zero(tmp_path: Path) -> None:
    """As on another system."""
    nothing = HostSnapshot.now(str(tmp_path))
    assert nothing.since(nothing) is None


def test_a_file_of_another_form_is_missing(tmp_path: Path) -> None:
    """A kernel without these names."""
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "snmp").write_text("Udp: InDatagrams\nUdp: 5\n")
    (tmp_path / "stat").write_text("cpu 1 2\n")
    found = HostSnapshot.now(str(tmp_path))
    assert (found.udp, found.cpu) == (None, None)


def test_threads_have_what_they_ran_and_waited(tmp_path: Path) -> None:
    """From each thread's schedstat; one that has ended meanwhile is left out."""
    for thread, text in ((1, "100 20 3\n"), (2, "5 6 7\n"), (3, "")):
        (tmp_path / str(thread)).mkdir()
        (tmp_path / str(thread) / "schedstat").write_text(text)
    assert read_threads(str(tmp_path)) == {1: (100, 20), 2: (5, 6)}


def test_a_system_without_them_has_no_threads(tmp_path: Path) -> None:
    """And no figure."""
    assert read_threads(str(tmp_path / "nowhere")) == {}
