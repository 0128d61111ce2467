"""Tests of how outcomes are packed."""
