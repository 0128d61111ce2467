"""A worker's control through the API server, with nothing but the pod's service account."""
