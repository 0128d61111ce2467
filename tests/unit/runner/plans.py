"""Plans for tests: files in a directory, and what is read from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netbench.runner import PlanSources, load_plan

if TYPE_CHECKING:
    from pathlib import Path

    from netbench.runner import Plan

__all__ = ("CONFIG", "load", "write")

CONFIG = """\
name: example
namespace:
  number: 1
steps:
- name: Start
  measurements:
  - Identifier: net
    Method: NetworkPerformanceMetrics
    Params:
      action: start
      duration: {{.DURATION}}
      protocol: {{.PROTOCOL}}
      numberOfServers: {{.SERVERS}}
      numberOfClients: {{.CLIENTS}}
- name: Gather
  measurements:
  - Identifier: net
    Method: NetworkPerformanceMetrics
    Params:
      action: gather
"""


def write(directory: Path, **files: str) -> None:
    """Write files, by their names without ``.yaml``."""
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text)


def load(directory: Path, *names: str, **more: Any) -> Plan:  # noqa: ANN401 - whatever PlanSources takes
    """Read a plan from files of a directory."""
    return load_plan(PlanSources(files=tuple(str(directory / f"{name}.yaml") for name in names), **more))
