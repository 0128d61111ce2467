"""What is made on a cluster, without one."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from netbench.backends.base import PodOptions
from netbench.backends.kubernetes.bundle import BUNDLE_MAX_BYTES, Bundle, make_bundle
from netbench.backends.kubernetes.manifests import Part, manifest
from netbench.backends.kubernetes.objects import FleetObjects, merged
from netbench.backends.kubernetes.pods import replica_failure, trouble
from netbench.errors import InvalidArgumentError
from netbench.kube.names import FleetNames

ROOT = Path(__file__).parents[4]


def test_the_bundle_fits_into_a_config_map() -> None:
    """With room for its own words."""
    assert len(make_bundle().data) < BUNDLE_MAX_BYTES * 0.8


def test_the_bundle_is_the_same_each_time() -> None:
    """So its hash names it."""
    assert make_bundle() == make_bundle()


def test_a_worker_starts_from_the_bundle_with_nothing_installed(tmp_path: Path) -> None:
    """As in a pod of a stock image: it says what its environment lacks."""
    path = tmp_path / "bundle.zip"
    path.write_bytes(make_bundle().data)
    code = (
        "import sys, runpy; sys.path[:] = [sys.argv[1], *(p for p in sys.path if 'site-packages' not in p)];"
        "sys.argv[:] = ['w', '--name', 'a', '--control', 'kubernetes:a/b', '--key', '/nowhere'];"
        "runpy.run_module('netbench.worker', run_name='__main__', alter_sys=True)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(path)], check=False, capture_output=True, text=True, timeout=60
    )
    assert "this is no pod of a worker fleet" in done.stderr


def test_the_bundle_holds_no_compiled_code() -> None:
    """It runs on every processor."""
    names = zipfile.ZipFile(io.BytesIO(make_bundle().data)).namelist()
    assert all(name.endswith(".py") for name in names)


@pytest.mark.parametrize("part", ["crd", "role", "worker"])
def test_the_files_in_manifests_are_what_the_command_prints(part: Part) -> None:
    """Written anew by ``netbench manifests --only PART``."""
    assert (ROOT / "manifests" / f"{part}.yaml").read_text() == manifest(part)


def pod(**options: Any) -> dict[str, Any]:
    """Give the pod of a fleet with these options."""
    objects = FleetObjects(
        names=FleetNames("team", "f"), options=PodOptions(**options), bundle=Bundle(b"", "0" * 64), key=b""
    )
    spec: dict[str, Any] = objects.deployment(1)["spec"]["template"]["spec"]
    return spec


def test_a_pod_without_resources_has_no_limit() -> None:
    """Which would be measured instead of the network."""
    assert "limits" not in pod()["containers"][0]["resources"]


def test_a_patch_changes_the_container_that_it_names() -> None:
    """And leaves the rest of it."""
    patched = pod(pod_patch={"spec": {"containers": [{"name": "worker", "workingDir": "/x"}]}})["containers"][0]
    assert (patched["workingDir"], patched["image"]) == ("/x", "python:3.13-slim")


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
    return {"spec": {}, "status": {"containerStatuses": [{"state": state, "lastState": last or {}}]}}


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


def test_a_deployment_whose_pods_are_refused_says_why() -> None:
    """In the words of the quota."""
    condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}
    assert replica_failure({"status": {"conditions": [condition]}}) == "FailedCreate: exceeded quota"
