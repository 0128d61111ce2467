"""The reference of all keys, made from the keys that the readers use: ``python -m netbench.runner.reference``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from netbench.runner.configs import CALL_KEYS, CONFIG_KEYS, MODULE_KEYS, NAMESPACE_KEYS, STEP_KEYS
from netbench.runner.load import SUITE_KEYS
from netbench.runner.methods.params import ACTION_KEYS, START_KEYS
from netbench.runner.methods.thresholds import METRICS, THRESHOLD_KEYS
from netbench.runner.methods.worker import WORKER_KEYS
from netbench.runner.template import function_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netbench.runner.fields import Key

__all__ = ("reference_page",)

_HEAD = """\
# Plans: every key

<!-- Made by python -m netbench.runner.reference; a test compares them. -->

What a plan's files may hold. Keys of suites, configs, steps and calls are understood in any case, `Params` as written
here. A key that is not listed is an error with a suggestion. How plans are used is in the
[how-to](../how-to/clusterloader2.md)."""
_TABLES: tuple[tuple[str, str, Sequence[Key]], ...] = (
    ("Suite", "A list, not a template; each entry is a mapping.", SUITE_KEYS),
    ("Config", "A template.", CONFIG_KEYS),
    ("Config: namespace", "", NAMESPACE_KEYS),
    ("Config: steps", "Each has `measurements` or a `module`.", STEP_KEYS),
    ("Step: module", "", MODULE_KEYS),
    ("Step: measurements", "Each has an `Identifier`, or `Instances`.", CALL_KEYS),
    ("Params of NetworkPerformanceMetrics, action: start", "", START_KEYS),
    ("Params of NetworkPerformanceMetrics, action: gather", "", ACTION_KEYS),
    ("Params: worker", "Only on Kubernetes; elsewhere noted and not used.", WORKER_KEYS),
    ("Params: thresholds", "A missed one fails its step.", THRESHOLD_KEYS),
)


def reference_page() -> str:
    """Give the page, in Markdown."""
    return "\n".join((_HEAD, *(line for table in _TABLES for line in _table(*table)), *_metrics(), *_functions(), ""))


def _table(title: str, text: str, keys: Sequence[Key]) -> Iterator[str]:
    yield f"\n## {title}\n"
    if text:
        yield f"{text}\n"
    yield "| key | value | meaning | without it |"
    yield "|---|---|---|---|"
    for key in keys:
        if not key.refused:
            without = "an error" if key.required else key.default or "-"
            yield f"| `{key.name}` | {key.form} | {key.meaning} | {without} |"
    refused = [key for key in keys if key.refused]
    if refused:
        yield ""
    for key in refused:
        yield f"- `{key.name}` is refused: {key.refused}."


def _metrics() -> Iterator[str]:
    yield "\n## Metrics\n"
    yield "| protocol | metric | unit |"
    yield "|---|---|---|"
    for protocol, metrics in METRICS.items():
        for name, unit in metrics.items():
            yield f"| {protocol} | `{name}` | {unit} |"


def _functions() -> Iterator[str]:
    yield "\n## Functions of templates\n"
    yield ", ".join(f"`{name}`" for name in function_names()) + "."


if __name__ == "__main__":
    sys.stdout.write(reference_page())
