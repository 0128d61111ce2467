"""``netbench plan``: what a plan would do, without doing any of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.cli import main
from netbench.runner.preview import preview
from tests.unit.runner.plans import CONFIG, load, write

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from netbench.runner.preview import CallPreview


def previewed(directory: Path, nodes: int, override: str) -> CallPreview:
    """Preview the example's start on so many nodes."""
    base = {"DURATION": "10s", "PROTOCOL": "UDP", "SERVERS": "1", "CLIENTS": "1"}
    base |= dict(line.split(": ") for line in override.splitlines())
    write(directory, config=CONFIG, override="".join(f"{key}: {value}\n" for key, value in base.items()))
    plan = load(directory, "config", overrides=(str(directory / "override.yaml"),))
    return preview(plan.scenarios[0], nodes)[0]


def test_pods_pairs_and_rounds_are_counted(tmp_path: Path) -> None:
    """Four pairs of eight pods."""
    found = previewed(tmp_path, 2, "SERVERS: 4\nCLIENTS: 4")
    assert (found.workers, found.pairs, found.rounds) == (8, 4, 1)


def test_pairs_are_counted_by_node(tmp_path: Path) -> None:
    """Clients and servers, as often as they are in a pair."""
    assert previewed(tmp_path, 2, "SERVERS: 1\nCLIENTS: 3").pairs_per_node == (("node-1", 1, 3), ("node-2", 2, 0))


def test_bytes_of_paced_traffic_are_known(tmp_path: Path) -> None:
    """A thousand datagrams of 1400 bytes a second, for ten seconds."""
    assert previewed(tmp_path, 2, "PROTOCOL: UDP").payload_bytes == 14_000_000


def test_bytes_of_unlimited_traffic_are_not(tmp_path: Path) -> None:
    """Nobody can say."""
    assert previewed(tmp_path, 2, "PROTOCOL: TCP").payload_bytes is None


def test_pairs_that_one_node_cannot_give_are_said(tmp_path: Path) -> None:
    """Pairs between nodes need two."""
    assert "CrossNode() needs workers on two nodes" in previewed(tmp_path, 1, "PROTOCOL: TCP").warning


def test_the_command_prints_a_line_for_each_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And how long all would take."""
    write(tmp_path, config=CONFIG, override="DURATION: 90s\nPROTOCOL: TCP\nSERVERS: 4\nCLIENTS: 4\n")
    code = main(["plan", str(tmp_path / "config.yaml"), "--override", str(tmp_path / "override.yaml")])
    printed = capsys.readouterr().out
    assert code == 0
    assert "1 test, about 1 min 33 s" in printed
    assert [line.split()[2] for line in printed.splitlines() if line.startswith(" example")] == ["start"]


def test_the_command_prints_the_rendered_text_byte_for_byte(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """So that it can be compared with ClusterLoader2's generatedConfig."""
    write(tmp_path, config="name: {{.X}}\n\n{{/* é */}} \nsteps: 1\n")
    code = main(["plan", str(tmp_path / "config.yaml"), "--set", "X=y", "--render"])
    assert (code, capsysbinary.readouterr().out) == (2, b"name: y\n\n \nsteps: 1\n")


def test_a_plan_that_is_wrong_is_misuse_with_all_problems(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each in a line of its own, with its place."""
    write(tmp_path, config="name: 1\nsteps: 2\n")
    code = main(["plan", str(tmp_path / "config.yaml")])
    said = capsys.readouterr().err
    assert code == 2
    for place in ("config.yaml:1:7", "config.yaml:2:8"):
        assert place in said


def test_clusterloader2s_own_flags_are_understood(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For those whose fingers know them."""
    write(tmp_path, config=CONFIG, override="DURATION: 9s\nPROTOCOL: TCP\nSERVERS: 4\nCLIENTS: 4\n")
    flags = [f"--testconfig={tmp_path}/config.yaml", f"--testoverrides={tmp_path}/override.yaml"]
    assert main(["plan", *flags]) == 0
    assert "example" in capsys.readouterr().out
