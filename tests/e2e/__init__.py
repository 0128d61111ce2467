"""Tests against a real Kubernetes: its API server, scheduler, kubelets and containers."""
