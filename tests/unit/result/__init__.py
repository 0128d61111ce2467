"""Tests: unit, results."""
