"""A real Kubernetes on this machine, for tests and for people: ``python -m tests.e2e.lab up``.

The control plane and two kubelets are Kubernetes itself, built from its Go modules; containerd, runc, the CNI plug-ins
and buildah come from Debian. Each node is a network namespace with its own containerd, kubelet and kube-proxy, joined
by a bridge.
"""
