"""A node: containerd, kubelet and kube-proxy in a network namespace."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from tests.e2e.lab.certificates import PKI
from tests.e2e.lab.control_plane import api_get
from tests.e2e.lab.images import PAUSE_IMAGE
from tests.e2e.lab.layout import POD_RANGE, RUN
from tests.e2e.lab.network import inside
from tests.e2e.lab.processes import running, until
from tests.e2e.lab.programs import LabError, run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tests.e2e.lab.layout import NodeLayout

__all__ = ("CGROUPS", "node")

CGROUPS = Path("/sys/fs/cgroup")


@asynccontextmanager
async def node(layout: NodeLayout, kube: Path, archives: Sequence[Path]) -> AsyncIterator[None]:
    """Run it, and wait until Kubernetes calls it ready."""
    _write_files(layout)
    _make_cgroups(layout)
    async with AsyncExitStack() as stack:
        containerd = inside(layout, "containerd", "-c", str(layout.directory / "containerd.toml"))
        await stack.enter_async_context(running(f"containerd-{layout.name}", containerd))
        await until(f"containerd of {layout.name} does not answer", partial(_answers, layout))
        for archive in archives:
            await anyio.to_thread.run_sync(_import, layout, archive)
        for name, command in _commands(layout, str(kube)):
            await stack.enter_async_context(running(name, command))
        await until(f"node {layout.name} is not ready", partial(_ready, layout))
        yield


def _commands(layout: NodeLayout, kube: str) -> list[tuple[str, list[str]]]:
    directory = layout.directory
    kubelet = inside(
        layout,
        kube,
        "kubelet",
        f"--kubeconfig={directory / 'kubeconfig'}",
        f"--config={directory / 'kubelet.json'}",
        f"--root-dir={directory / 'kubelet'}",
        f"--cert-dir={directory / 'certificates'}",
        f"--hostname-override={layout.name}",
        f"--node-ip={layout.address}",
        f"--node-labels=topology.kubernetes.io/zone={layout.zone}",
    )
    proxy = inside(
        layout,
        kube,
        "kube-proxy",
        f"--kubeconfig={RUN / 'proxy.kubeconfig'}",
        f"--hostname-override={layout.name}",
        "--proxy-mode=iptables",
        f"--cluster-cidr={POD_RANGE}",
        # The machine's own limits stay as they are.
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
        "--healthz-bind-address=",
    )
    return [(f"kubelet-{layout.name}", kubelet), (f"kube-proxy-{layout.name}", proxy)]


def _write_files(layout: NodeLayout) -> None:
    directory = layout.directory
    (directory / "cni").mkdir(parents=True, exist_ok=True)
    ipam = {
        "type": "host-local",
        "ranges": [[{"subnet": layout.pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": str(directory / "ipam"),
    }
    # Without hairpin mode a pod that reaches itself through a Service loses its first packet.
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True, "ipMasq": False, "ipam": ipam}
    plugins = [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}]
    network = {"cniVersion": "0.4.0", "name": "pods", "plugins": plugins}
    (directory / "cni" / "10-pods.conflist").write_text(json.dumps(network))
    (directory / "containerd.toml").write_text(_containerd(layout))
    (directory / "kubelet.json").write_text(json.dumps(_kubelet(layout), indent=1))


def _containerd(layout: NodeLayout) -> str:
    directory = layout.directory
    return f"""\
version = 2
root = "{directory / "containerd"}"
state = "{directory / "containerd-state"}"
[grpc]
  address = "{layout.containerd}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{directory / "cni"}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"""


def _kubelet(layout: NodeLayout) -> dict[str, object]:
    directory = layout.directory
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": layout.address,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": str(PKI / "ca.crt")},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.cgroup}",
        "cgroupsPerQOS": True,
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "failCgroupV1": False,
        "containerRuntimeEndpoint": f"unix://{layout.containerd}",
        "podLogsDir": str(directory / "pod-logs"),
        "resolvConf": "",
        "evictionHard": {"memory.available": "100Mi"},
        "localStorageCapacityIsolation": False,
        "imageMaximumGCAge": "0s",
        "imageGCHighThresholdPercent": 100,
        "volumePluginDir": str(directory / "volume-plugins"),
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "4s",
        "makeIPTablesUtilChains": False,
    }


def _make_cgroups(layout: NodeLayout) -> None:
    """Make the root of the node's pods in every hierarchy; of version 1, a cpuset begins without any processor."""
    if (CGROUPS / "cgroup.controllers").exists():
        (CGROUPS / layout.cgroup).mkdir(exist_ok=True)
        controllers = (CGROUPS / "cgroup.controllers").read_text().split()
        enabled = " ".join(f"+{controller}" for controller in controllers)
        (CGROUPS / "cgroup.subtree_control").write_text(enabled)
        return
    for hierarchy in CGROUPS.iterdir():
        if hierarchy.is_dir() and not hierarchy.is_symlink():
            (hierarchy / layout.cgroup).mkdir(exist_ok=True)
    cpuset = CGROUPS / "cpuset"
    for name in ("cpuset.cpus", "cpuset.mems"):
        (cpuset / layout.cgroup / name).write_text((cpuset / name).read_text())


def _ctr(layout: NodeLayout, *words: str, timeout_s: float = 60) -> str:
    return run(["ctr", "-a", str(layout.containerd), "-n", "k8s.io", *words], timeout_s=timeout_s)


def _import(layout: NodeLayout, archive: Path) -> None:
    _ctr(layout, "images", "import", str(archive), timeout_s=300)


async def _answers(layout: NodeLayout) -> bool:
    try:
        await anyio.to_thread.run_sync(partial(_ctr, layout, "version"))
    except LabError:
        return False
    return True


async def _ready(layout: NodeLayout) -> bool:
    answer = await api_get(f"/api/v1/nodes/{layout.name}")
    conditions = json.loads(answer).get("status", {}).get("conditions", []) if answer else []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
