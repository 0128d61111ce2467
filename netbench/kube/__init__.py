"""Talking to a Kubernetes API server, over whatever carries HTTP; shared by the controller and the workers in pods."""
