"""Tests of talking to an API server, without one."""
