"""What the metrics of a call must reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from netbench.runner.fields import Fields, Key, read_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netbench.runner.documents import Item
    from netbench.runner.places import Problems

__all__ = ("METRICS", "THRESHOLD_KEYS", "Threshold", "missed", "read_thresholds")

#: ClusterLoader2's metrics by protocol, with their units.
METRICS: Mapping[str, Mapping[str, str]] = {
    "TCP": {"Throughput": "kbytes/sec"},
    "UDP": {"Packet_Per_Second": "pps", "Jitter": "ms", "Latency": "ms", "Lost_Packets": "percentage"},
    "HTTP": {"Response_Time": "seconds"},
}
_STATISTICS = ("Value", "Perc05", "Perc50", "Perc90", "Perc95", "Perc99", "Perc99.9")
THRESHOLD_KEYS = (
    Key(
        "metric",
        "a metric of the protocol, such as Throughput",
        "what is looked at, in ClusterLoader2's unit",
        required=True,
    ),
    Key("statistic", ", ".join(_STATISTICS), "which of its figures", default="Value for 1:1, else Perc50"),
    Key("min", "a number", "the least that it may be"),
    Key("max", "a number", "the most that it may be"),
)


@attrs.frozen(kw_only=True)
class Threshold:
    """A bound of one figure.

    Attributes:
        metric: ClusterLoader2's name of the metric.
        statistic: Which of its figures; None takes Value, or Perc50 where there are several pairs.
        least: The least that it may be.
        most: The most that it may be.
    """

    metric: str
    statistic: str | None = None
    least: float | None = None
    most: float | None = None


def read_thresholds(item: Item | None, protocol: str | None, problems: Problems) -> tuple[Threshold, ...]:
    """Read a list of thresholds."""
    if item is None:
        return ()
    if item.kind != "list":
        problems.add(f"a list of thresholds was expected, not {item.described()}", item.place, item.where)
    return tuple(each for each in (_read(entry, protocol, problems) for entry in item.items()) if each is not None)


def _read(item: Item, protocol: str | None, problems: Problems) -> Threshold | None:
    fields = Fields(item, THRESHOLD_KEYS, problems)
    if not fields.good:
        return None
    every = {name for metrics in METRICS.values() for name in metrics}
    metric = fields.choice("metric", tuple(METRICS.get(protocol or "", dict.fromkeys(every, ""))))
    statistic = fields.choice("statistic", _STATISTICS)
    bounds = {name: read_number(each, problems) for name in ("min", "max") if (each := fields.item(name)) is not None}
    if not bounds:
        problems.add("min, max or both are missing", item.place, item.where)
        return None
    least, most = bounds.get("min"), bounds.get("max")
    if least is not None and most is not None and least > most:
        problems.add(f"min, {least:g}, is more than max, {most:g}", item.place, item.where)
    return None if metric is None else Threshold(metric=metric, statistic=statistic, least=least, most=most)


def missed(thresholds: Iterable[Threshold], document: Mapping[str, Any]) -> list[str]:
    """Say which thresholds the figures of a PerfData document miss."""
    words: list[str] = []
    for threshold in thresholds:
        items = [each for each in document["dataItems"] if each["labels"].get("Metric") == threshold.metric]
        figures = {name: value for each in items for name, value in each["data"].items()}
        statistic = threshold.statistic or ("Value" if "Value" in figures else "Perc50")
        unit = items[0]["unit"] if items else ""
        value = figures.get(statistic, figures.get("Value"))
        if value is None:
            words.append(f"{threshold.metric} {statistic} has no value, so that its threshold is missed")
        elif threshold.least is not None and value < threshold.least:
            words.append(
                f"{threshold.metric} {statistic} is {value:.6g} {unit}, below the least of {threshold.least:g}"
            )
        elif threshold.most is not None and value > threshold.most:
            words.append(f"{threshold.metric} {statistic} is {value:.6g} {unit}, above the most of {threshold.most:g}")
    return words
