"""Stub, being written."""

import shutil


def find_programs() -> dict[str, str]:
    """Find."""
    return {driver: path for driver, program in (("iperf2", "iperf"), ("iperf3", "iperf3")) if (path := shutil.which(program))}
