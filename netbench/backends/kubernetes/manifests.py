"""What is applied to a cluster, as YAML for those who look at it first or apply it themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import yaml

from netbench.backends.base import PodOptions
from netbench.backends.kubernetes.bundle import ARCHIVES, Archive
from netbench.backends.kubernetes.crd import custom_resource_definition
from netbench.backends.kubernetes.groups import hires
from netbench.backends.kubernetes.objects import FleetObjects
from netbench.backends.kubernetes.rights import controller_role
from netbench.kube.names import FleetNames

if TYPE_CHECKING:
    from netbench.kube.api import JsonObject

__all__ = ("Part", "manifest")

Part = Literal["crd", "role", "worker"]

#: Stands for the hash of the code that a fleet carries.
_HASH = "0" * 64
_HEADS = {
    "crd": "The custom resource through which controllers and workers talk. Applied once, by an administrator.",
    "role": "What whoever runs netbench may do in a namespace. Bind it to a user or to a ServiceAccount.",
    "worker": "What a fleet makes for its workers, to be looked at; netbench makes and removes it by itself.",
}


def manifest(part: Part, namespace: str | None = None) -> str:
    """Give one part as YAML."""
    documents = {"crd": _crd, "role": _role, "worker": _worker}[part](namespace)
    body = "---\n".join(yaml.dump(each, Dumper=_Dumper, sort_keys=False, width=110) for each in documents)
    return f"# {_HEADS[part]}\n{body}"


def _crd(_: str | None) -> list[JsonObject]:
    return [custom_resource_definition()]


def _role(namespace: str | None) -> list[JsonObject]:
    return [controller_role(namespace)]


def _worker(namespace: str | None) -> list[JsonObject]:
    names = FleetNames(namespace or "netbench", "example")
    code = [Archive(name, b"", _HASH) for name in ARCHIVES]
    objects = FleetObjects(names=names, options=PodOptions(), code=code, key=b"")
    (worker,) = hires(names.base, {None: 1})
    return [*(value for _, value in objects.account()), objects.pod(worker)]


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are, and no references."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - yaml's
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
