"""How the workers' pods are to be: ``Params.worker``, and ClusterLoader2's worker Deployment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from netbench.backends.base import PodOptions
from netbench.errors import InvalidArgumentError
from netbench.runner.documents import Item, read_document
from netbench.runner.fields import Fields, Key, read_text
from netbench.runner.places import Problems, TextPlaces
from netbench.runner.sources import find_file
from netbench.runner.sources import read_text as read_source
from netbench.runner.template import Int, TemplateError, render

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("WORKER_KEYS", "WorkerSettings", "read_deployment", "read_worker")

#: ClusterLoader2's own worker image, which holds its worker and no Python.
_CL2_IMAGE = "netperfbenchmark"
_WORKER_CONTAINER = "worker"
WORKER_KEYS = (
    Key(
        "image",
        "an image with Python 3.11 or newer",
        "what the workers run in",
        default="python:3.N-slim, of the N that runs netbench",
    ),
    Key("imagePullPolicy", "Always, IfNotPresent or Never", "when it is pulled"),
    Key("imagePullSecrets", "a list of names", "Secrets of the namespace"),
    Key("resources", "cpu and memory, or requests and limits", "without it workers ask for little and have no limit"),
    Key("nodeSelector", "labels", "nodes that workers go to"),
    Key("tolerations", "a list, as in a pod", "taints that workers bear"),
    Key("affinity", "a mapping, as in a pod", "nodes that workers go to"),
    Key("hostNetwork", "true or false", "whether workers use their nodes' network", default="false"),
    Key("priorityClassName", "a name", "a PriorityClass"),
)


@attrs.frozen(kw_only=True)
class WorkerSettings:
    """Arguments of :class:`netbench.WorkerFleet` beside the number of workers.

    Attributes:
        arguments: Those that were given, by their names.
        notes: What of a worker Deployment has no meaning here.
    """

    arguments: Mapping[str, Any] = attrs.field(factory=dict)
    notes: tuple[str, ...] = ()


def read_worker(item: Item | None, base: WorkerSettings, *, host_network: bool, problems: Problems) -> WorkerSettings:
    """Read ``Params.worker``, whose values stand against a Deployment's."""
    arguments = dict(base.arguments)
    if host_network:
        arguments["host_network"] = True
    if item is not None:
        fields = Fields(item, WORKER_KEYS, problems)
        if fields.good:
            arguments |= _pod_arguments(fields, problems)
    try:
        PodOptions(**arguments)
    except InvalidArgumentError as error:
        name = error.argument.removeprefix("WorkerFleet(").removesuffix("=)")
        message = f"{name} must be {error.expected}, not {error.value!r}"
        problems.add(message, item.place if item else None, item.where if item else "")
    return attrs.evolve(base, arguments=arguments)


def _pod_arguments(fields: Fields, problems: Problems) -> dict[str, Any]:
    found: dict[str, Any] = {
        "image": fields.text("image"),
        "image_pull_policy": fields.choice("imagePullPolicy", ("Always", "IfNotPresent", "Never")),
        "image_pull_secrets": _names(fields.item("imagePullSecrets"), problems),
        "node_selector": fields.texts("nodeSelector"),
        "tolerations": fields.plain("tolerations"),
        "affinity": fields.plain("affinity"),
        "host_network": fields.boolean("hostNetwork"),
        "priority_class": fields.text("priorityClassName"),
    }
    resources = fields.item("resources")
    if resources is not None:
        found |= _resources(resources, problems)
    return {name: value for name, value in found.items() if value is not None}


def _names(item: Item | None, problems: Problems) -> list[str] | None:
    """Read names, as texts or as Kubernetes has them: mappings with a name."""
    if item is None:
        return None
    if item.kind != "list":
        problems.add(f"a list of names was expected, not {item.described()}", item.place, item.where)
    inner = [next((e.item for e in each.entries() if e.name == "name"), each) for each in item.items()]
    return [name for each in inner if (name := read_text(each, problems)) is not None]


def _resources(item: Item, problems: Problems) -> dict[str, Any]:
    """Give resources: ``cpu`` and ``memory`` are both request and limit, as in ``WorkerFleet``."""
    names = {entry.name for entry in item.entries()}
    if names <= {"requests", "limits"} and names:
        parts = {
            entry.name: {inner.name: read_text(inner.item, problems, numbers=True) for inner in entry.item.entries()}
            for entry in item.entries()
        }
        return {"pod_patch": _container_patch({"resources": parts})}
    keys = tuple(Key(name, "a quantity", "") for name in ("cpu", "memory"))
    fields = Fields(item, keys, problems)
    values = {
        name: read_text(each, problems, numbers=True) for name in ("cpu", "memory") if (each := fields.item(name))
    }
    return {"resources": {name: value for name, value in values.items() if value is not None}}


def _container_patch(container: Mapping[str, Any]) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": _WORKER_CONTAINER, **container}]}}


def read_deployment(item: Item, params: Item, problems: Problems) -> WorkerSettings:
    """Take over the pod of a Deployment file, a template with ``{{.Replicas}}``."""
    name = read_text(item, problems)
    if name is None:
        return WorkerSettings()
    path = find_file(name, Path(params.place.path) if params.place.path else None)
    text = read_source(path, problems, item.place, item.where)
    if text is None:
        return WorkerSettings()
    places = TextPlaces(str(path), text)
    try:
        rendered = render(text, {"Replicas": Int(1)})
    except TemplateError as error:
        for each in error.all():
            problems.add(each.message, places.at(each.offset))
        return WorkerSettings()
    document = read_document(
        rendered.text.decode("utf-8", "surrogateescape"),
        lambda line, column: places.at(places.offset(min(line, text.count("\n")), column)),
        problems,
    )
    if document is None:
        problems.add(f"{path} holds no Deployment", item.place, item.where)
        return WorkerSettings()
    plain = document.plain()
    if not isinstance(plain, dict) or plain.get("kind") != "Deployment":
        problems.add("no Deployment: kind: Deployment was expected", document.place)
        return WorkerSettings()
    return _from_deployment(plain, document, problems)


def _from_deployment(plain: dict[str, Any], document: Item, problems: Problems) -> WorkerSettings:
    template = _inner(plain, "spec", "template")
    spec = _inner(template, "spec")
    containers = spec.get("containers")
    if not isinstance(containers, list) or not containers or not isinstance(containers[0], dict):
        problems.add("spec.template.spec.containers has no container", document.place)
        return WorkerSettings()
    container = next((each for each in containers if each.get("name") == _WORKER_CONTAINER), containers[0])
    image = container.get("image")
    if isinstance(image, str) and _CL2_IMAGE in image:
        problems.add(
            f"{image} is ClusterLoader2's worker and has no Python: name an image with Python 3.11 or newer, "
            "or leave image out",
            document.place,
            "spec.template.spec.containers[0].image",
        )
    kept = {key: container[key] for key in ("resources", "volumeMounts", "env") if key in container}
    pod = {key: spec[key] for key in ("volumes",) if key in spec}
    metadata = _inner(template, "metadata")
    arguments: dict[str, Any] = {
        "image": image,
        "image_pull_policy": container.get("imagePullPolicy"),
        "image_pull_secrets": [each.get("name") for each in spec.get("imagePullSecrets") or ()] or None,
        "node_selector": spec.get("nodeSelector"),
        "tolerations": spec.get("tolerations"),
        "affinity": spec.get("affinity"),
        "host_network": spec.get("hostNetwork"),
        "priority_class": spec.get("priorityClassName"),
        "labels": metadata.get("labels"),
        "annotations": metadata.get("annotations"),
        "pod_patch": {"spec": {**pod, "containers": [{"name": _WORKER_CONTAINER, **kept}]}} if kept or pod else None,
    }
    unused = [key for key in ("args", "command", "ports", "livenessProbe", "readinessProbe") if key in container]
    note = f"{document.place.path}: {', '.join(unused)} of the container are not used: netbench runs its own worker"
    return WorkerSettings(
        arguments={name: value for name, value in arguments.items() if value is not None},
        notes=(note,) if unused else (),
    )


def _inner(plain: Any, *names: str) -> dict[str, Any]:  # noqa: ANN401 - whatever YAML holds
    for name in names:
        plain = plain.get(name) if isinstance(plain, dict) else None
    return plain if isinstance(plain, dict) else {}
