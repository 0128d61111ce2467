"""netbench side by side with its peers, in one run; not part of the tests: ``python -m tests.bench``."""
