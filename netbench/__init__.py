"""netbench: measure a Kubernetes cluster's network, and trust the number."""
