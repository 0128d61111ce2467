"""The result of one measurement."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from netbench import validation as v
from netbench.errors import IncompleteResultError, InvalidArgumentError, MissingValueError
from netbench.result import frame, html, perfdata, rounds, store, table
from netbench.result.combine import added, complete_sum, mean_of_known, merged_or_none
from netbench.result.facts import MeasurementFacts, RunMetadata
from netbench.result.failure import PairFailure
from netbench.result.pair import PairResult
from netbench.result.precision import ConfidenceInterval, interval_over
from netbench.result.verdict import Verdict, verdict_of
from netbench.topology import LeftOver

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable

    import pandas as pd
    from rich.console import RenderableType

    from netbench.histogram import Histogram

__all__ = ("Result",)

Amount = TypeVar("Amount", int, float)
Numbered = TypeVar("Numbered", PairResult, PairFailure)


def _rounds_hold_all(instance: Result, attribute: attrs.Attribute[Any], value: int) -> None:
    indices = [pair.round_index for pair in instance.pairs] + [failure.round_index for failure in instance.failures]
    last = max(indices, default=-1)
    if last >= value:
        raise v.fail(instance, attribute.name, value, f"at least {last + 1}, since there are pairs of round {last}")


def _divides_rounds(instance: Result, attribute: attrs.Attribute[Any], value: int) -> None:
    if instance.rounds % value:
        raise v.fail(instance, attribute.name, value, f"a divisor of the number of rounds, {instance.rounds}")


@attrs.frozen(kw_only=True)
class Result:
    """What came out of one measurement, the pairs that failed included.

    All figures are in base units: seconds, bit/s, bytes, counts. A figure over all pairs is None where it does not
    apply to the traffic, or where one of the pairs lacks it, so that a sum is never quietly too small.

    Attributes:
        spec: What was asked for.
        pairs: The pairs that were measured.
        failures: The pairs that failed, and why.
        left_over: The workers that were in no pair, and why.
        rounds: How many rounds there were, over all repetitions.
        stopped_early: Whether the run was stopped before its time.
        metadata: Where, when and by what it was measured.
        repeats: How often the pairing's rounds were measured; ``rounds`` is a multiple of it.
    """

    spec: MeasurementFacts
    pairs: tuple[PairResult, ...]
    failures: tuple[PairFailure, ...]
    left_over: tuple[LeftOver, ...]
    rounds: int = attrs.field(validator=[v.integer(at_least=0), _rounds_hold_all])
    stopped_early: bool
    metadata: RunMetadata
    repeats: int = attrs.field(default=1, validator=[v.integer(at_least=1), _divides_rounds])

    # -- completeness --------------------------------------------------------------------------------------------------

    @property
    def complete(self) -> bool:
        """Whether there is a pair, none failed, and the run went on to its end."""
        return bool(self.pairs) and not self.failures and not self.stopped_early

    def raise_if_incomplete(self) -> None:
        """Do nothing when complete.

        Raises:
            IncompleteResultError: It is not; the error names what is missing and carries the result.
        """
        if self.complete:
            return
        lines = [str(failure) for failure in self.failures]
        if self.stopped_early:
            lines.append("the run was stopped before its time; what was measured until then is in the result")
        if not self.pairs:
            lines.append("no pair has a result")
        raise IncompleteResultError(self, lines)

    @cached_property
    def verdict(self) -> Verdict:
        """Whether this can be believed: ``trusted``, or ``doubtful`` with each reason, its evidence and what to do."""
        return verdict_of(self)

    # -- repetitions ---------------------------------------------------------------------------------------------------

    def repetition(self, index: int) -> Result:
        """Give one repetition as a result of its own, its rounds counted from 0.

        Raises:
            InvalidArgumentError: There is none of this index.
        """
        if not 0 <= index < self.repeats:
            msg = "repetition(index)"
            raise InvalidArgumentError(msg, index, f"from 0 to {self.repeats - 1}")
        each = self.rounds // self.repeats
        first = index * each

        def own(found: Iterable[Numbered]) -> tuple[Numbered, ...]:
            here = (one for one in found if first <= one.round_index < first + each)
            return tuple(attrs.evolve(one, round_index=one.round_index - first) for one in here)

        return attrs.evolve(
            self,
            spec=attrs.evolve(self.spec, until=None),
            pairs=own(self.pairs),
            failures=own(self.failures),
            rounds=each,
            repeats=1,
            # A stop ends the one that is under way.
            stopped_early=self.stopped_early and index == self.repeats - 1,
        )

    @cached_property
    def interval(self) -> ConfidenceInterval | None:
        """The confidence interval of the figure that the traffic is about, or that ``until`` names, over repetitions.

        None for a single one, and where one of them lacks the figure.
        """
        return interval_over(self)

    # -- totals --------------------------------------------------------------------------------------------------------

    def pairs_of_round(self, round_index: int) -> tuple[PairResult, ...]:
        """Give the pairs of one round that were measured."""
        return tuple(pair for pair in self.pairs if pair.round_index == round_index)

    @property
    def round_throughputs_bps(self) -> tuple[float | None, ...]:
        """For each round the payload bit/s of all its pairs together, over the window in which all were sending.

        None for a round in which there was no such window.
        """
        return self._per_round(rounds.total_throughput_bps)

    @property
    def total_throughput_bps(self) -> float | None:
        """The mean of :attr:`round_throughputs_bps` over the rounds that have one."""
        return mean_of_known(self.round_throughputs_bps)

    @property
    def round_pps(self) -> tuple[float | None, ...]:
        """For each round the datagrams per second that all its pairs together received; UDP only."""
        return self._per_round(lambda pairs: rounds.summed(pairs, lambda pair: pair.received_pps))

    @property
    def total_pps(self) -> float | None:
        """The mean of :attr:`round_pps` over the rounds that have one."""
        return mean_of_known(self.round_pps)

    @property
    def round_requests_per_s(self) -> tuple[float | None, ...]:
        """For each round the answered requests per second of all its pairs together; HTTP only."""
        return self._per_round(lambda pairs: rounds.summed(pairs, lambda pair: pair.requests_per_s))

    @property
    def total_requests_per_s(self) -> float | None:
        """The mean of :attr:`round_requests_per_s` over the rounds that have one."""
        return mean_of_known(self.round_requests_per_s)

    @property
    def window_overlap(self) -> float | None:
        """The window in which all pairs of a round were sending, as a share of the longest; the worst round's."""
        known = [ratio for ratio in self._per_round(rounds.overlap_ratio) if ratio is not None]
        return min(known, default=None)

    # -- histograms over all pairs -------------------------------------------------------------------------------------

    @property
    def bandwidth(self) -> Histogram:
        """The receivers' bit/s, one value an interval and pair.

        Raises:
            MissingValueError: No pair has one.
        """
        return self._present(self.receiver_bandwidth, "bandwidth")

    @property
    def receiver_bandwidth(self) -> Histogram | None:
        """The same, None where no pair has one."""
        return self._merged(lambda pair: pair.receiver_bandwidth)

    @property
    def latency(self) -> Histogram:
        """The traffic's own latency: TCP's round trip, UDP's one-way delay, HTTP's response time.

        Raises:
            MissingValueError: No pair has one.
        """
        measured = self.rtt or self.one_way_delay or self.response_time
        return self._present(measured, "latency")

    @property
    def sender_bandwidth(self) -> Histogram | None:
        """The senders' bit/s, one value an interval and pair; TCP only."""
        return self._merged(lambda pair: pair.sender_bandwidth)

    @property
    def rtt(self) -> Histogram | None:
        """TCP's smoothed round-trip time."""
        return self._merged(lambda pair: pair.rtt)

    @property
    def congestion_window(self) -> Histogram | None:
        """TCP's congestion window in bytes."""
        return self._merged(lambda pair: pair.congestion_window)

    @property
    def one_way_delay(self) -> Histogram | None:
        """UDP's one-way delay, each pair's corrected by its own clock offset."""
        return self._merged(lambda pair: pair.one_way_delay)

    @property
    def response_time(self) -> Histogram | None:
        """HTTP's response time from the intended start."""
        return self._merged(lambda pair: pair.response_time)

    @property
    def service_time(self) -> Histogram | None:
        """HTTP's response time from the real send."""
        return self._merged(lambda pair: pair.service_time)

    @property
    def send_lateness(self) -> Histogram | None:
        """How late HTTP requests, or UDP datagrams at a rate, left, to two digits: up to 0.5 % or 4 ns off."""
        return self._merged(lambda pair: pair.send_lateness)

    # -- counts over all pairs -----------------------------------------------------------------------------------------

    @property
    def sent_bytes(self) -> int | None:
        """Payload bytes sent."""
        return self._sum(lambda pair: pair.sent_bytes)

    @property
    def received_bytes(self) -> int | None:
        """Payload bytes received."""
        return self._sum(lambda pair: pair.received_bytes)

    @property
    def retransmits(self) -> int | None:
        """TCP segments sent again."""
        return self._sum(lambda pair: pair.retransmits)

    @property
    def sent(self) -> int | None:
        """Datagrams sent."""
        return self._sum(lambda pair: pair.sent)

    @property
    def received(self) -> int | None:
        """Different datagrams received."""
        return self._sum(lambda pair: pair.received)

    @property
    def lost(self) -> int | None:
        """Datagrams lost."""
        return self._sum(lambda pair: pair.lost)

    @property
    def loss_ratio(self) -> float | None:
        """Lost datagrams as a share of those sent, 0 to 1; None where none was sent."""
        lost, sent = self.lost, self.sent
        return lost / sent if lost is not None and sent else None

    @property
    def duplicated(self) -> int | None:
        """Datagrams that came again."""
        return self._sum(lambda pair: pair.duplicated)

    @property
    def reordered(self) -> int | None:
        """Datagrams that were overtaken."""
        return self._sum(lambda pair: pair.reordered)

    @property
    def socket_drops(self) -> int | None:
        """Datagrams dropped at receivers' full socket buffers."""
        return self._sum(lambda pair: pair.socket_drops)

    @property
    def requests(self) -> int | None:
        """HTTP requests that were due."""
        return self._sum(lambda pair: pair.requests)

    @property
    def responses(self) -> int | None:
        """HTTP requests that were answered whole."""
        return self._sum(lambda pair: pair.responses)

    @property
    def status_codes(self) -> dict[str, int] | None:
        """HTTP answers per status code."""
        return added(pair.status_codes for pair in self.pairs)

    @property
    def errors(self) -> dict[str, int] | None:
        """HTTP requests without a whole answer, per kind; empty where each was answered."""
        return added(pair.errors for pair in self.pairs)

    @property
    def tools(self) -> tuple[str, ...]:
        """The programs that made the traffic, with their versions."""
        return tuple(sorted({tool for pair in self.pairs for tool in pair.tools}))

    # -- forms ---------------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain JSON data, with the name of its form under ``schema``."""
        return store.to_dict(self)

    def to_json(self, indent: int | None = None) -> str:
        """Give everything as JSON text, on one line unless an indent is given."""
        return store.to_json(self, indent)

    @classmethod
    def from_dict(cls, data: object) -> Result:
        """Read what :meth:`to_dict` gave.

        Raises:
            ResultFormatError: It is something else, of another schema, or damaged; the message says where.
        """
        return store.from_dict(data, cls)

    @classmethod
    def from_json(cls, text: str | bytes) -> Result:
        """Read what :meth:`to_json` gave.

        Raises:
            ResultFormatError: It is something else, of another schema, or damaged; the message says where.
        """
        return store.from_json(text, cls)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the JSON text to a file, whole or not at all: what was there before is only replaced at the end.

        Raises:
            HostError: The file cannot be written.
        """
        store.write_text(path, self.to_json() + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Result:
        """Read a file that :meth:`save` wrote.

        Raises:
            ResultFormatError: It cannot be read, or holds something else.
        """
        return store.load(path, cls)

    def to_dataframe(self) -> pd.DataFrame:
        """Give a pandas data frame with one row a pair, in base units; failed pairs have a reason and no figures.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return frame.to_dataframe(self)

    def perfdata(self) -> dict[str, Any]:
        """Give ClusterLoader2's PerfData. A metric that nobody measured is absent."""
        return perfdata.perfdata(self)

    def to_rich(self) -> RenderableType:
        """Give a table for a :class:`rich.console.Console`."""
        return table.to_rich(self)

    def to_html(self) -> str:
        """Give a whole HTML page that needs nothing else: the table, and plots of throughput and latency."""
        return html.page(self)

    def __rich__(self) -> RenderableType:
        """Show the table where rich prints."""
        return self.to_rich()

    def __str__(self) -> str:
        """Give the table as plain text for a terminal of 100 columns."""
        return table.to_text(self)

    def _repr_html_(self) -> str:
        """Show table and plots in a notebook."""
        return html.fragment(self)

    # -- inner ---------------------------------------------------------------------------------------------------------

    def _per_round(self, figure: Callable[[tuple[PairResult, ...]], float | None]) -> tuple[float | None, ...]:
        return tuple(figure(self.pairs_of_round(index)) for index in range(self.rounds))

    def _merged(self, histogram: Callable[[PairResult], Histogram | None]) -> Histogram | None:
        return merged_or_none(histogram(pair) for pair in self.pairs)

    def _sum(self, figure: Callable[[PairResult], Amount | None]) -> Amount | None:
        return complete_sum(figure(pair) for pair in self.pairs)

    def _present(self, measured: Histogram | None, what: str) -> Histogram:
        if measured is None:
            why = f"{' and '.join(self.tools)} did not report one" if self.pairs else "no pair has a result"
            msg = f"the result has no {what}: {why}"
            raise MissingValueError(msg)
        return measured
