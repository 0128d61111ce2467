"""Tests of the Kubernetes backend's parts that need no cluster."""
