"""Where a worker's requests come from."""
