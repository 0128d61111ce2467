"""netbench's tests: unit, integration (real workers on this machine), examples, and benchmarks."""
