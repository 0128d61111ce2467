"""Pairing strategies, and what a measurement refuses of users' own ones."""
