"""The session between a pair's client worker and its server worker."""
