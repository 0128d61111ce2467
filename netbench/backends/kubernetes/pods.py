"""What a pod's status says: why it is not ready, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netbench.kube.api import JsonObject

__all__ = ("PodFacts", "Trouble", "ending", "pod_node", "trouble")

#: Reasons for which a container waits and that do not mend themselves.
_HOPELESS = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)


@attrs.frozen(kw_only=True)
class Trouble:
    """Why a pod will not become ready.

    Attributes:
        reason: Kubernetes' word for it.
        message: Its words.
        has_log: Whether the container ran, so that its log may say more.
    """

    reason: str
    message: str
    has_log: bool = False


@attrs.frozen(kw_only=True)
class PodFacts:
    """What counts of a pod that is to become a worker; whole, thousands of them take a hundred megabytes.

    Attributes:
        name: Its name.
        node: The node that it is placed on.
        trouble: Why it will not become ready.
        waits_for: What it waits for if it still may.
    """

    name: str
    node: str | None
    trouble: Trouble | None
    waits_for: str

    @classmethod
    def of(cls, pod: JsonObject) -> PodFacts:
        """Look at a pod."""
        return cls(
            name=pod["metadata"]["name"],
            node=pod_node(pod),
            trouble=trouble(pod),
            waits_for=_waits_for(pod),
        )

    def removed(self) -> PodFacts:
        """Give what counts of the same pod when it is not there any more."""
        gone = Trouble(reason="Deleted", message="somebody deleted the pod")
        return attrs.evolve(self, trouble=self.trouble or gone)


def trouble(pod: JsonObject) -> Trouble | None:
    """Say why the pod will not become ready; None while it may."""
    status: dict[str, Any] = pod.get("status") or {}
    ended = status.get("phase") in {"Failed", "Succeeded"}
    if pod["metadata"].get("deletionTimestamp"):
        return _leaving(status)
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return Trouble(reason="Unschedulable", message=condition.get("message", ""))
    if ended and status.get("reason"):
        # The kubelet's word for why it ended the pod: its containers tell no more than that they were killed.
        return Trouble(reason=status["reason"], message=status.get("message") or "the pod has ended")
    found = _container_trouble(status)
    if found is None and ended:
        return Trouble(reason=status["phase"], message=status.get("message") or "the pod has ended")
    return found


def _container_trouble(status: dict[str, Any]) -> Trouble | None:
    for container in _containers(status):
        waiting = container.get("state", {}).get("waiting") or {}
        if waiting.get("reason") in _HOPELESS:
            crashed = waiting["reason"] == "CrashLoopBackOff"
            return Trouble(reason=waiting["reason"], message=waiting.get("message", ""), has_log=crashed)
        ended = container.get("state", {}).get("terminated") or container.get("lastState", {}).get("terminated")
        if ended is not None:
            return Trouble(reason=ended.get("reason") or "Error", message=_exit_words(ended), has_log=True)
    return None


def ending(pod: JsonObject) -> str | None:
    """Say how a worker's pod that was ready has ended; None while it runs."""
    found = trouble(pod)
    return None if found is None else f"{found.reason}: {found.message}"


def _waits_for(pod: JsonObject) -> str:
    status: dict[str, Any] = pod.get("status") or {}
    for container in _containers(status):
        waiting = container.get("state", {}).get("waiting")
        if waiting:
            return f"{waiting.get('reason')}: {waiting.get('message') or 'no message'}"
        if container.get("state", {}).get("running"):
            return "its container runs, but the worker has not said hello: can it reach the API server?"
    node = pod_node(pod)
    return f"it is placed on {node}, whose kubelet has not started it" if node else "it is not placed on a node yet"


def pod_node(pod: JsonObject) -> str | None:
    """Give the node that the pod is placed on."""
    name: str | None = (pod.get("spec") or {}).get("nodeName")
    return name


def _leaving(status: dict[str, Any]) -> Trouble:
    """Say who wanted the pod to go: a drain, the scheduler for another pod, a taint, or somebody."""
    for condition in status.get("conditions") or ():
        if condition["type"] == "DisruptionTarget" and condition["status"] == "True":
            return Trouble(reason=condition.get("reason") or "Deleted", message=condition.get("message") or "no words")
    if status.get("reason"):
        return Trouble(reason=status["reason"], message=status.get("message") or "the pod is being deleted")
    return Trouble(reason="Deleted", message="somebody deletes the pod")


def _containers(status: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _exit_words(ended: dict[str, Any]) -> str:
    words = f"the container ended with exit code {ended.get('exitCode')}"
    return f"{words}: {ended['message'].strip()}" if ended.get("message") else words
