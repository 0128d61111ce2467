"""CPU throttling is read from either version of cgroups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.worker.throttling import CpuStat, read_cpu_stat

if TYPE_CHECKING:
    from pathlib import Path

V2 = "usage_usec 5\nnr_periods 40\nnr_throttled 30\nthrottled_usec 1500000\n"
V1 = "nr_periods 40\nnr_throttled 30\nthrottled_time 1500000000\n"
EXPECTED = CpuStat(periods=40, throttled_periods=30, throttled_s=1.5)


def written(path: Path, text: str) -> str:
    """Write a file and its directories, and give its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_version_two_is_read_below_the_own_path(tmp_path: Path) -> None:
    """As on a node."""
    written(tmp_path / "a" / "cpu.stat", V2)
    assert read_cpu_stat(str(tmp_path), written(tmp_path / "own", "0::/a\n")) == EXPECTED


def test_version_two_is_read_at_the_root_of_a_container(tmp_path: Path) -> None:
    """Where the own path is the host's, and not there."""
    written(tmp_path / "cpu.stat", V2)
    assert read_cpu_stat(str(tmp_path), written(tmp_path / "own", "0::/../pod/x\n")) == EXPECTED


def test_version_one_is_read_in_its_controllers_hierarchy(tmp_path: Path) -> None:
    """In whatever company the controller is."""
    written(tmp_path / "cpu,cpuacct" / "a" / "cpu.stat", V1)
    own = written(tmp_path / "own", "3:memory:/a\n2:cpu,cpuacct:/a\n0::/\n")
    assert read_cpu_stat(str(tmp_path), own) == EXPECTED


def test_nothing_is_read_where_nothing_is(tmp_path: Path) -> None:
    """None, which is not 0."""
    assert read_cpu_stat(str(tmp_path), str(tmp_path / "own")) is None
    assert read_cpu_stat(str(tmp_path), written(tmp_path / "own", "0::/\n")) is None
