"""Tests of backends, in one process."""
