"""What holds for all tests."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

# A test is not about how busy the machine is.
settings.register_profile("netbench", deadline=None)
settings.load_profile("netbench")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,  # noqa: ARG001 - pytest's hook
    call: pytest.CallInfo[None],  # noqa: ARG001 - likewise
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a skipped test be a failed one where everything is said to be installed."""
    report = yield
    if report.skipped and os.environ.get("NETBENCH_REQUIRE_ALL") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, although NETBENCH_REQUIRE_ALL is set: {report.longrepr}"
    return report
