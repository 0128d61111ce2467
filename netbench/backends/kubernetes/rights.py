"""The rights that netbench needs in a namespace, and what to say when one is missing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from netbench.errors import AccessDeniedError
from netbench.kube.names import API_GROUP, LEASES, MANAGED_BY, REQUESTS

if TYPE_CHECKING:
    from netbench.kube.api import JsonObject

__all__ = ("CONTROLLER_RULES", "WORKER_RULES", "controller_role", "explained")

#: What a worker's account may do: look at its requests and at the fleet's Lease, say hello, write its status.
WORKER_RULES: list[JsonObject] = [
    {"apiGroups": [API_GROUP], "resources": [REQUESTS], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [API_GROUP], "resources": [f"{REQUESTS}/status"], "verbs": ["patch"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": [LEASES], "verbs": ["get", "list", "watch", "create"]},
]

_ALL = ["get", "list", "create", "delete", "deletecollection"]
#: What whoever runs netbench needs in the namespace; the last rules are also what it hands on to its workers.
CONTROLLER_RULES: list[JsonObject] = [
    {"apiGroups": [""], "resources": ["configmaps", "secrets", "serviceaccounts"], "verbs": _ALL},
    {"apiGroups": [""], "resources": ["pods"], "verbs": [*_ALL, "watch"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": _ALL},
    {"apiGroups": ["coordination.k8s.io"], "resources": [LEASES], "verbs": [*_ALL, "watch", "patch"]},
    {"apiGroups": [API_GROUP], "resources": [REQUESTS], "verbs": [*_ALL, "watch"]},
    {"apiGroups": [API_GROUP], "resources": [f"{REQUESTS}/status"], "verbs": ["patch"]},
]

_FORBIDDEN = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]*)")?'
)


def controller_role(namespace: str | None) -> JsonObject:
    """Give the Role that whoever runs netbench needs in a namespace of their own."""
    metadata: JsonObject = {"name": "netbench", "labels": {MANAGED_BY[0]: MANAGED_BY[1]}}
    if namespace is not None:
        metadata["namespace"] = namespace
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": metadata,
        "rules": CONTROLLER_RULES,
    }


def explained(error: AccessDeniedError, context: str, server: str) -> AccessDeniedError:
    """Say which right is missing where, and show what would grant it."""
    match = _FORBIDDEN.search(str(error))
    if match is None:
        # It is about a Role that grants more than its maker has, say, and names that itself.
        return error
    where = f"in namespace {match['namespace']}" if match["namespace"] else "in the cluster"
    resource = f"{match['resource']}.{match['group']}" if match["group"] else match["resource"]
    if match["namespace"]:
        role = yaml.safe_dump(controller_role(match["namespace"]), sort_keys=False, default_flow_style=None)
        remedy = f"This Role, bound to that user, has all that netbench needs there:\n\n{role}"
    else:
        remedy = "Name a namespace that exists (--namespace), where a Role is enough: netbench manifests --only role"
    message = (
        f"{match['user']} may not {match['verb']} {resource} {where} (context {context}, server {server}). {remedy}"
    )
    return AccessDeniedError(message, status=error.status, reason=error.reason, verb=error.verb, path=error.path)
