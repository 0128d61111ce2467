"""A result as a pandas data frame."""

from __future__ import annotations

import sys

import pytest

from netbench.errors import MissingExtraError
from tests.unit.result.builders import http_outcome, make_failure, make_result, tcp_outcome, udp_outcome


def test_without_pandas_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message can be pasted into a shell."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'netbench\[pandas\]'"):
        make_result(tcp_outcome(1)).to_dataframe()


class TestWithPandas:
    """What the frame holds."""

    @pytest.fixture(autouse=True)
    def _pandas(self) -> None:
        pytest.importorskip("pandas")

    def test_there_is_one_row_a_pair(self) -> None:
        """Failed ones come last."""
        frame = make_result(tcp_outcome(1), tcp_outcome(2), failures=(make_failure(2),)).to_dataframe()
        assert list(frame["client"]) == ["worker-0", "worker-2", "worker-4"]

    def test_figures_are_in_base_units(self) -> None:
        """With the unit in the name."""
        frame = make_result(tcp_outcome(1000, 3000)).to_dataframe()
        row = frame.iloc[0]
        assert (row["throughput_bps"], row["window_s"], row["rtt_s_max"]) == (16000.0, 2.0, 0.0002)

    def test_a_failed_pair_has_a_reason(self) -> None:
        """And a phase and a message."""
        row = make_result(tcp_outcome(1), failures=(make_failure(1),)).to_dataframe().iloc[1]
        assert (row["failure_reason"], row["failure_phase"], row["failure_message"]) == (
            "worker-lost",
            "Running",
            "worker-1 was killed by SIGKILL",
        )

    def test_a_failed_pair_has_no_figures(self) -> None:
        """Missing, not 0."""
        frame = make_result(tcp_outcome(1), failures=(make_failure(1),)).to_dataframe()
        assert list(frame["throughput_bps"].isna()) == [False, True]

    def test_columns_of_other_traffic_are_left_out(self) -> None:
        """TCP has no jitter."""
        assert not {"jitter_s", "lost", "requests", "failure_reason"} & set(
            make_result(tcp_outcome(1)).to_dataframe().columns
        )

    def test_udp_has_its_columns(self) -> None:
        """Counts are whole."""
        row = make_result(udp_outcome()).to_dataframe().iloc[0]
        assert (row["sent"], row["lost"], row["loss_ratio"], row["one_way_delay_s_p5"]) == (2000, 100, 0.05, -1e-6)

    def test_http_has_a_column_for_each_kind_of_error(self) -> None:
        """And their sum."""
        row = make_result(http_outcome(5, {"timeout": 1, "reset": 2})).to_dataframe().iloc[0]
        assert (row["errors"], row["errors_timeout"], row["errors_reset"], row["status_200"]) == (3, 1, 2, 5)

    def test_a_result_without_pairs_is_an_empty_frame(self) -> None:
        """It does not raise."""
        assert len(make_result().to_dataframe()) == 0
