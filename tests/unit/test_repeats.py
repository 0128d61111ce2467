"""Repetitions of a measurement, and the search for a rate, against workers that do as they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import attrs
import pytest

import netbench as nb
from netbench.messages import Failure, Phase
from tests.support.crew import FakeCrew, outcome
from tests.support.fleet import fleet_of
from tests.support.virtual_time import VirtualTimeLoop
from tests.unit.result.builders import http_outcome, make_result, udp_outcome

if TYPE_CHECKING:
    from pathlib import Path

    from netbench.messages import ControlRecord, PairOutcome, PairRequest

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run in virtual time."""
    return ("asyncio", {"loop_factory": VirtualTimeLoop})


async def measured(crew: FakeCrew, **arguments: Any) -> nb.Result:  # noqa: ANN401 - of Measurement
    """Measure with this crew."""
    async with fleet_of(crew) as fleet:
        return await nb.Measurement(nb.Tcp(), duration_s=1, **arguments).run(fleet, nb.CrossNode())


async def test_a_measurement_is_repeated_so_often() -> None:
    """Its rounds count on."""
    result = await measured(FakeCrew(), repeats=3)
    assert (result.repeats, result.rounds, [pair.round_index for pair in result.pairs]) == (3, 3, [0, 1, 2])


async def test_every_repetition_has_all_rounds() -> None:
    """Two nodes in both directions, twice."""
    async with fleet_of(FakeCrew()) as fleet:
        measurement = nb.Measurement(nb.Tcp(), duration_s=1, repeats=2)
        result = await measurement.run(fleet, nb.NodeMatrix())
    assert (result.rounds, result.repeats, len(result.repetition(1).pairs)) == (4, 2, 2)


async def test_equal_repetitions_are_precise_after_the_least_number() -> None:
    """Nothing more is to be learned."""
    result = await measured(FakeCrew(), until=nb.Precision(repeats_min=3))
    assert (result.repeats, "imprecise" in {doubt.rule for doubt in result.verdict.doubts}) == (3, False)


class Wavering(FakeCrew):
    """Workers whose throughput doubles and halves."""

    def on_record(self, request: PairRequest, record: ControlRecord) -> None:
        """Report another amount each round."""
        whole = outcome(record.start_ns or 0)
        factor = 1 + request.round_index % 2
        self.say(request, Phase.DONE, done=_scaled(whole, factor))


def _scaled(whole: PairOutcome, factor: int) -> PairOutcome:
    def side(report: Any) -> Any:  # noqa: ANN401 - a report of either side
        return attrs.evolve(
            report,
            records=tuple(
                attrs.evolve(
                    record,
                    series=attrs.evolve(
                        record.series, amounts=tuple(factor * amount for amount in record.series.amounts)
                    ),
                )
                for record in report.records
            ),
        )

    return attrs.evolve(whole, client=side(whole.client), server=side(whole.server))


async def test_wavering_repetitions_go_on_to_the_limit_and_say_so() -> None:
    """The verdict names it."""
    result = await measured(Wavering(), until=nb.Precision(repeats_max=6))
    assert result.repeats == 6
    assert "imprecise" in {doubt.rule for doubt in result.verdict.doubts}


async def test_one_repetition_of_several_is_not_asked_how_well_it_is_known() -> None:
    """That is a matter of all of them."""
    result = await measured(Wavering(), until=nb.Precision(repeats_max=3))
    assert "imprecise" not in {doubt.rule for doubt in result.repetition(0).verdict.doubts}


async def test_a_repetition_that_a_pair_failed_in_is_no_sample_of_the_figure() -> None:
    """Half of the pairs carry half."""

    def script(crew: FakeCrew, request: PairRequest) -> None:
        if request.round_index < 2:
            crew.arm(request)
        else:
            crew.say(request, Phase.FAILED, failure=Failure(phase=Phase.ARMING, reason="refused", message="no more"))

    result = await measured(FakeCrew(script=script), repeats=10)
    assert result.interval is not None
    assert (result.repeats, len(result.interval.values)) == (3, 2)


async def test_a_failure_ends_the_repetitions() -> None:
    """What was measured before is kept."""

    def script(crew: FakeCrew, request: PairRequest) -> None:
        if request.round_index < 2:
            crew.arm(request)
        else:
            failure = Failure(phase=Phase.ARMING, reason="refused", message="no more")
            crew.say(request, Phase.FAILED, failure=failure)

    result = await measured(FakeCrew(script=script), repeats=10)
    assert (result.repeats, len(result.pairs), len(result.failures)) == (3, 2, 1)


@pytest.mark.parametrize(
    "arguments",
    [
        {"repeats": 0},
        {"until": 0.02},
        {"until": nb.Precision(), "repeats": 2},
        {"until": nb.Precision(statistic="pps")},
        {"until": nb.Precision(statistic="requests")},
        {"traffic": nb.Udp(), "driver": "iperf3", "until": nb.Precision(statistic="latency_p50")},
    ],
)
def test_repetitions_that_cannot_be_are_refused(arguments: dict[str, Any]) -> None:
    """Before anything is started."""
    with pytest.raises(nb.InvalidArgumentError):
        nb.Measurement(**{"traffic": nb.Tcp(), **arguments})


class Lossy(FakeCrew):
    """Workers behind a network that carries so many datagrams a second, with senders that can send so many."""

    def __init__(self, carries: float, sends: float = 1e9) -> None:
        super().__init__()
        self._carries, self._sends = carries, sends

    def on_record(self, request: PairRequest, record: ControlRecord) -> None:  # noqa: ARG002 - a fake's form
        """Lose what is too much."""
        traffic = request.traffic
        assert isinstance(traffic, nb.Udp)
        asked = traffic.asked_pps
        assert asked is not None
        sent = round(2 * min(asked, self._sends))
        whole = udp_outcome(sent, min(sent, round(2 * self._carries)), asked_pps=asked)
        self.say(request, Phase.DONE, done=whole)


async def searched(crew: FakeCrew, **arguments: Any) -> nb.SearchResult:  # noqa: ANN401 - of Search
    """Search with this crew."""
    given = {"bound": nb.MaxLoss(0.0), "rate_max": 10_000, "duration_s": 2, **arguments}
    async with fleet_of(crew) as fleet:
        return await nb.Search(nb.Udp(), **given).run(fleet, nb.CrossNode())


async def test_a_search_finds_what_the_network_carries() -> None:
    """Within the resolution, from below."""
    found = await searched(Lossy(3210), resolution=0.01)
    assert found.rate is not None
    assert 3210 * 0.99 <= found.rate <= 3210
    assert found.limited_by == "bound"


async def test_every_trial_is_kept_with_its_result_and_reason() -> None:
    """The highest rate is the first."""
    found = await searched(Lossy(3210))
    assert [trial.rate for trial in found.trials[:5]] == [10_000, 10_000, 5000, 5000, 2500]
    assert found.trials[0].reason == "67.9000% lost, where 0.0000% may be"
    assert found.best is not None
    assert found.best.result.lost == 0


async def test_a_good_highest_rate_ends_the_search() -> None:
    """After one trial."""
    found = await searched(Lossy(1e6))
    assert (found.rate, found.limited_by, len(found.trials)) == (10_000, "rate_max", 1)


async def test_a_sender_that_is_the_limit_is_not_taken_for_the_network() -> None:
    """It is named."""
    found = await searched(Lossy(1e6, sends=4000), resolution=0.01)
    assert found.rate is not None
    assert (found.rate == pytest.approx(4000, rel=0.02), found.limited_by) == (True, "sender")


async def test_a_network_that_carries_nothing_gives_no_rate() -> None:
    """Never a 0."""
    found = await searched(Lossy(0.0), rate_min=500)
    assert (found.rate, "no rate tried keeps the bound" in str(found)) == (None, True)


async def test_trials_are_limited() -> None:
    """What is known by then is the result, and that it might have come closer."""
    found = await searched(Lossy(3210), trials_max=7, resolution=1e-9)
    assert (len(found.trials), found.rate, found.lowest_bad) == (7, 2500, 3750)
    assert (found.limited_by, "and 3,750 was not good" in str(found)) == ("trials_max", True)


class Unlucky(Lossy):
    """A network that carries everything, and loses one datagram of the first trial by chance."""

    def __init__(self) -> None:
        super().__init__(1e6)

    def on_record(self, request: PairRequest, record: ControlRecord) -> None:
        """Lose it."""
        self._carries = 9999 if len(self.requests) == 1 else 1e6
        super().on_record(request, record)


async def test_a_datagram_lost_by_chance_does_not_hide_what_the_network_carries() -> None:
    """The rate is tried again before it is taken for bad."""
    found = await searched(Unlucky())
    assert (found.rate, found.limited_by, [trial.passed for trial in found.trials]) == (
        10_000,
        "rate_max",
        [False, True],
    )


async def test_without_retries_every_loss_counts() -> None:
    """RFC 2544 to the letter."""
    found = await searched(Unlucky(), retries=0)
    assert found.rate is not None
    assert found.rate < 10_000


async def test_a_search_that_is_stopped_keeps_what_it_found() -> None:
    """Whoever follows its runs can stop one."""

    async def stop(run: nb.Run) -> None:
        async for event in run.events():
            if isinstance(event, nb.RoundStarted):
                await run.stop()

    async with fleet_of(Lossy(3210)) as fleet, anyio.create_task_group() as group:
        runs: list[nb.Run] = []

        def started(run: nb.Run) -> None:
            runs.append(run)
            if len(runs) == 4:
                group.start_soon(stop, run)

        search = nb.Search(nb.Udp(), bound=nb.MaxLoss(), rate_max=10_000, duration_s=2, retries=0)
        found = await search.run(fleet, nb.CrossNode(), started=started)
    assert (found.rate, found.limited_by, len(found.trials)) == (2500, "stopped", 4)


async def test_a_search_can_be_kept_and_read_again(tmp_path: Path) -> None:
    """With every trial's whole result."""
    found = await searched(Lossy(3210))
    found.save(tmp_path / "found.json")
    assert nb.SearchResult.load(tmp_path / "found.json") == found
    assert nb.SearchResult.from_json(found.to_json(indent=1)) == found


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"schema": "netbench.result/v1"},
        {"schema": "netbench.search/v1"},
        {"schema": "netbench.search/v1", "rate": None, "limited_by": "luck", "trials": []},
        {"schema": "netbench.search/v1", "rate": "x", "limited_by": "bound", "trials": []},
        {"schema": "netbench.search/v1", "rate": 1, "limited_by": "bound", "trials": [{"rate": 1}]},
    ],
)
def test_what_is_no_stored_search_is_refused(data: object) -> None:
    """As what it is."""
    with pytest.raises(nb.ResultFormatError):
        nb.SearchResult.from_dict(data)


async def test_each_trial_is_told_when_it_is_done() -> None:
    """For progress."""
    told: list[nb.Trial] = []
    async with fleet_of(Lossy(1e6)) as fleet:
        search = nb.Search(nb.Udp(), bound=nb.MaxLoss(), rate_max=100)
        found = await search.run(fleet, nb.CrossNode(), tried=told.append)
    assert tuple(told) == found.trials


async def test_a_pair_that_fails_ends_the_search() -> None:
    """What was found before is kept."""

    def script(crew: FakeCrew, request: PairRequest) -> None:
        crew.say(request, Phase.FAILED, failure=Failure(phase=Phase.ARMING, reason="refused", message="no"))

    found = await searched(FakeCrew(script=script))
    assert (found.limited_by, found.rate, len(found.trials)) == ("incomplete", None, 1)


@pytest.mark.parametrize(
    ("traffic", "arguments"),
    [
        (nb.Tcp(), {}),
        (nb.Udp(), {"rate_min": 10_000}),
        (nb.Udp(), {"resolution": 0}),
        (nb.Udp(), {"resolution": 1}),
        (nb.Http(), {"trials_max": 0}),
        (nb.Udp(), {"retries": -1}),
        (nb.Udp(), {"bound": 0.01}),
    ],
)
def test_a_search_that_cannot_be_is_refused(
    traffic: Any,  # noqa: ANN401 - deliberately wrong
    arguments: dict[str, Any],
) -> None:
    """Before anything is started."""
    with pytest.raises(nb.InvalidArgumentError):
        nb.Search(traffic, **{"bound": nb.MaxLoss(), "rate_max": 10_000, **arguments})


def test_a_latency_bound_names_the_percentile() -> None:
    """With what it was."""
    result = make_result(udp_outcome(sent=1900))
    assert nb.MaxLatency(1e-3).broken(result) is None
    assert nb.MaxLatency(1e-5).broken(result) == "p99 is 0.101 ms by clocks known to 0.0005 ms, where 0.01 ms may be"


def test_what_never_arrived_is_no_low_latency() -> None:
    """Nine in ten were lost on a link that carries the tenth at once."""
    result = make_result(udp_outcome(sent=2000, received=200))
    assert nb.MaxLatency(1.0).broken(result) == "p99 is not known, for 90.0000% never arrived"


def test_a_percentile_is_of_all_that_was_sent() -> None:
    """The median of three delays is the highest of those two thirds that arrived of three."""
    result = make_result(udp_outcome(sent=3000, received=2000))
    assert nb.MaxLatency(6e-5, percentile=50).broken(result) is not None
    assert nb.MaxLatency(6e-5, percentile=40).broken(result) is None


def test_unanswered_requests_are_no_low_latency() -> None:
    """Nobody knows how long they would have taken."""
    result = make_result(http_outcome(90, {"timeout": 10}))
    assert nb.MaxLatency(1.0, percentile=95).broken(result) == "p95 is not known, for 10.0000% never arrived"


def test_a_latency_that_the_clocks_leave_open_does_not_keep_a_bound() -> None:
    """0.1 ms may be 1.1."""
    result = make_result(udp_outcome(sent=1900, bound_ns=1_000_000))
    assert nb.MaxLatency(1e-3).broken(result) == "p99 is 0.101 ms by clocks known to 1 ms, where 1 ms may be"


async def test_the_lowest_rate_is_tried() -> None:
    """Halving alone would go from 625 to below it."""
    found = await searched(Lossy(550), rate_min=500)
    assert 500 in [trial.rate for trial in found.trials]
    assert found.rate == pytest.approx(550, rel=0.05)


class Waiting(FakeCrew):
    """A client of whose requests a third leave when nothing new is due any more."""

    def on_record(self, request: PairRequest, record: ControlRecord) -> None:  # noqa: ARG002 - a fake's form
        """Have all answered."""
        self.say(request, Phase.DONE, done=http_outcome(100, left_late=30))


async def test_requests_that_waited_for_a_connection_until_the_end_are_the_clients_limit() -> None:
    """Though each was answered."""
    async with fleet_of(Waiting()) as fleet:
        search = nb.Search(nb.Http(), bound=nb.MaxLoss(), rate_max=50, rate_min=40, duration_s=2)
        found = await search.run(fleet, nb.CrossNode())
    assert (found.rate, found.limited_by) == (None, "sender")
    assert found.trials[0].reason == "the sender offered 70.0% of it"
