"""What is made on a cluster, without one."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from netbench.backends import base
from netbench.backends.base import PodOptions, default_image
from netbench.backends.kubernetes.bundle import ARCHIVES, Archive
from netbench.backends.kubernetes.crd import custom_resource_definition
from netbench.backends.kubernetes.groups import hires
from netbench.backends.kubernetes.manifests import Part, manifest
from netbench.backends.kubernetes.objects import FleetObjects, Place, merged
from netbench.backends.kubernetes.pods import Trouble, ending, trouble
from netbench.errors import InvalidArgumentError
from netbench.kube.names import FleetNames

ROOT = Path(__file__).parents[4]
CODE = tuple(Archive(name, name.encode(), "0" * 64) for name in ARCHIVES)


@pytest.mark.parametrize("part", ["crd", "role", "worker"])
def test_the_files_in_manifests_are_what_the_command_prints(part: Part) -> None:
    """Written anew by ``netbench manifests --only PART``."""
    assert (ROOT / "manifests" / f"{part}.yaml").read_text() == manifest(part).replace(
        default_image(), "python:3.13-slim"
    )


def test_a_definition_that_changes_has_a_new_revision() -> None:
    """Or a cluster keeps the older one, which drops the fields that it does not know. Raise both together."""
    text = json.dumps(custom_resource_definition(), sort_keys=True)
    revision = custom_resource_definition()["metadata"]["annotations"]["netbench.io/crd-revision"]
    assert (revision, hashlib.sha256(text.encode()).hexdigest()[:16]) == ("3", "5ceeef89d72cbcfa")


def fleet(**options: Any) -> FleetObjects:
    """Give what makes the objects of a fleet with these options."""
    return FleetObjects(names=FleetNames("team", "f"), options=PodOptions(**options), code=CODE, key=b"")


def pods(counts: dict[Place | None, int], **options: Any) -> list[dict[str, Any]]:
    """Give the pods of a fleet with these options."""
    objects = fleet(**options)
    return [objects.pod(hire) for hire in hires(objects.names.base, counts)]


def pod(**options: Any) -> dict[str, Any]:
    """Give the specification of the only pod of a fleet with these options."""
    spec: dict[str, Any] = pods({None: 1}, **options)[0]["spec"]
    return spec


def test_each_archive_travels_in_a_config_map_of_its_own() -> None:
    """One does not hold both. All that a fleet makes has its label, by which it is removed."""
    _, *configs = [value for _, value in fleet().data()]
    assert [list(each["binaryData"]) for each in configs] == [[name] for name in ARCHIVES]
    assert {each["metadata"]["labels"]["netbench.io/fleet"] for each in configs} == {"f"}


def test_a_pod_has_all_archives_where_its_command_looks_for_them() -> None:
    """In the one volume that it has, beside key and account."""
    spec = pod()
    (volume,) = [each["projected"]["sources"] for each in spec["volumes"] if "projected" in each]
    mounted = {each["configMap"]["name"] for each in volume if "configMap" in each}
    assert {value["metadata"]["name"] for _, value in fleet().data()[1:]} < mounted
    words = spec["containers"][0]["command"]
    assert words[5:] == ["/var/run/netbench/worker.zip", "0" * 64, "/var/run/netbench/packages.zip", "0" * 64]


def test_the_names_of_pods_are_in_the_order_of_their_numbers() -> None:
    """Also where there are more than ten."""
    names = [each["metadata"]["name"] for each in pods({None: 12})]
    assert names == sorted(names)
    assert (names[0], names[-1]) == ("netbench-f-00", "netbench-f-11")


def test_each_pod_names_its_node() -> None:
    """And so many to each; the scheduler has nothing to choose for those."""
    counts: dict[Place | None, int] = {Place("a", "a.example"): 2, Place("b", "b.example"): 1}
    assert [each["spec"]["nodeName"] for each in pods(counts)] == ["a", "a", "b"]


@pytest.mark.parametrize(
    "options",
    [
        {"affinity": {"podAntiAffinity": {}}},
        {"priority_class": "high"},
        {"pod_patch": {"spec": {"schedulerName": "x"}}},
    ],
    ids=["affinity", "priority", "patch"],
)
def test_what_only_a_scheduler_heeds_it_is_asked_for(options: dict[str, Any]) -> None:
    """It selects the node by its hostname, which is not everywhere its name."""
    spec = pods({Place("a", "a.example"): 1}, **options)[0]["spec"]
    assert spec["nodeSelector"] == {"kubernetes.io/hostname": "a.example"}
    assert "nodeName" not in spec


def test_pods_of_no_node_are_spread() -> None:
    """Over the nodes' hostnames."""
    (spread,) = pod()["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"


def test_a_patch_takes_no_pod_out_of_its_fleet() -> None:
    """It is removed by its labels, and followed by its name."""
    patched = pods({None: 1}, pod_patch={"metadata": {"name": "mine", "labels": None}})[0]["metadata"]
    assert patched["name"] == "netbench-f-0"
    assert patched["labels"]["netbench.io/fleet"] == "f"


def test_a_pod_without_resources_has_no_limit() -> None:
    """Which would be measured instead of the network."""
    assert "limits" not in pod()["containers"][0]["resources"]


def test_a_patch_changes_the_container_that_it_names() -> None:
    """And leaves the rest of it."""
    patched = pod(pod_patch={"spec": {"containers": [{"name": "worker", "workingDir": "/x"}]}})["containers"][0]
    assert (patched["workingDir"], patched["image"]) == ("/x", default_image())


def test_a_pod_has_the_python_that_runs_the_controller() -> None:
    """Whose byte-code it can run."""
    assert pod()["containers"][0]["image"] == f"python:{sys.version_info[0]}.{sys.version_info[1]}-slim"


def test_a_python_that_is_no_release_yet_takes_the_newest_that_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no image of its own version's name."""
    version = SimpleNamespace(major=3, minor=99, releaselevel="alpha")
    monkeypatch.setattr(base, "sys", SimpleNamespace(version_info=version))
    assert default_image() == "python:3-slim"


def test_a_patch_removes_what_it_sets_to_none() -> None:
    """As a merge patch does."""
    assert merged({"a": 1, "b": {"c": 2, "d": 3}}, {"a": None, "b": {"c": None}}) == {"b": {"d": 3}}


@pytest.mark.parametrize(
    "options",
    [
        {"image": ""},
        {"resources": {"cpu": "lots"}},
        {"resources": {"cpu": 1}},
        {"node_selector": {"a": 1}},
        {"tolerations": "all"},
        {"host_network": "yes"},
        {"pod_patch": []},
        {"image_pull_policy": "Sometimes"},
    ],
    ids=repr,
)
def test_an_option_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    """Before anything is made."""
    with pytest.raises(InvalidArgumentError, match=next(iter(options))):
        PodOptions(**options)


def container(state: dict[str, Any], last: dict[str, Any] | None = None) -> dict[str, Any]:
    """Give a pod whose container is in this state."""
    return {"metadata": {}, "spec": {}, "status": {"containerStatuses": [{"state": state, "lastState": last or {}}]}}


def test_a_pod_that_is_being_started_is_no_trouble() -> None:
    """It waits, and will go on."""
    assert trouble(container({"waiting": {"reason": "ContainerCreating"}})) is None


def test_a_first_failure_to_pull_is_waited_out() -> None:
    """Kubernetes tries again; when it gives up for a while, it says so by another word."""
    assert trouble(container({"waiting": {"reason": "ErrImagePull"}})) is None
    assert trouble(container({"waiting": {"reason": "ImagePullBackOff", "message": "no"}})) is not None


def test_a_container_that_ended_before_is_told_with_its_exit_code() -> None:
    """Even while the next attempt runs."""
    found = trouble(container({"running": {}}, {"terminated": {"exitCode": 7, "message": "bye"}}))
    assert found is not None
    assert "exit code 7: bye" in found.message


def test_a_pod_that_has_failed_is_told_with_its_containers_exit_code() -> None:
    """That it has failed is what its phase says, and no more."""
    ended = container({"terminated": {"exitCode": 7, "message": "bye"}})
    ended["status"]["phase"] = "Failed"
    found = trouble(ended)
    assert found is not None
    assert "exit code 7: bye" in found.message


def test_a_pod_that_its_kubelet_has_ended_is_told_with_the_kubelets_reason() -> None:
    """Its container was only killed."""
    ended = container({"terminated": {"exitCode": 137}})
    ended["status"] |= {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}
    assert trouble(ended) == Trouble(reason="Evicted", message="The node was low on resource: memory.")


def test_a_pod_that_has_to_go_says_for_whom() -> None:
    """A drain, the scheduler, a taint: Kubernetes tells it by a condition."""
    leaving = container({"running": {}})
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "for p"}
    leaving["status"]["conditions"] = [condition]
    assert ending(leaving) == "PreemptionByScheduler: for p"


def test_a_pod_that_somebody_deletes_has_ended() -> None:
    """Kubernetes knows no reason."""
    leaving = container({"running": {}})
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert ending(leaving) == "Deleted: somebody deletes the pod"
