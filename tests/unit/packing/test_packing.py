"""An outcome comes out of its text as it went in, and a damaged text is refused."""

from __future__ import annotations

import base64
import random
import zlib
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netbench.errors import ProtocolError
from netbench.hdr import HistogramRecorder, encode_buckets, read_buckets, throughput_of
from netbench.messages import PairOutcome
from netbench.metrics import HistogramData, HttpClientRecord, IntervalSeries
from netbench.packing import pack_outcome, unpack_outcome
from netbench.packing.columns import read_series, write_series
from netbench.packing.counts import read_counts, write_counts
from netbench.packing.stream import Reader, Writer
from tests.unit.result.builders import http_outcome, tcp_outcome, udp_outcome
from tests.unit.samples import record, values
from tests.unit.test_messages import any_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_NS = 1_000_000_000

#: Ends as a worker sees them: on a grid, late, some very.
late_ends = st.lists(st.integers(0, 10**6) | st.integers(0, 10**10), max_size=30).map(
    lambda delays: [place * _NS + delay for place, delay in enumerate(delays, 1)]
)
any_series = late_ends.flatmap(
    lambda ends: st.lists(st.integers(0, 2**40), min_size=len(ends), max_size=len(ends)).map(
        lambda amounts: IntervalSeries(ends_ns=ends, amounts=amounts)
    )
)
any_histogram = st.lists(values, max_size=60).map(lambda samples: record(samples, "ns"))
buckets = st.dictionaries(st.integers(0, 2**16 - 1), st.integers(1, 100) | st.integers(1, 2**50), max_size=60)


def outcome_with(series: IntervalSeries, histogram: HistogramData, *, interval_ns: int = _NS) -> PairOutcome:
    """Give an outcome of HTTP with this series and these histograms."""
    whole = http_outcome()
    seen = whole.client.records[0]
    assert isinstance(seen, HttpClientRecord)
    seen = attrs.evolve(
        seen,
        series=series,
        throughput=throughput_of(series, interval_ns),
        response_time=histogram,
        service_time=histogram,
        send_lateness=record([], "ns"),
    )
    return attrs.evolve(whole, client=attrs.evolve(whole.client, records=(seen,)))


def bytes_of(text: str) -> bytearray:
    """Give what is in an outcome's text."""
    return bytearray(base64.b85decode(text.translate(str.maketrans(".,:", "&<>"))))


def text_of(data: bytearray) -> str:
    """And the text of what is in it."""
    return base64.b85encode(data).decode().translate(str.maketrans("&<>", ".,:"))


# -- whole outcomes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [tcp_outcome(1, 2, 3), udp_outcome(), http_outcome()], ids=["tcp", "udp", "http"])
def test_an_outcome_of_each_traffic_comes_back_the_same(outcome: PairOutcome) -> None:
    """Both sides and all records."""
    assert unpack_outcome(pack_outcome(outcome)) == outcome


@given(any_of(PairOutcome))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_outcome_comes_back_the_same(outcome: PairOutcome) -> None:
    """With texts that are no histograms, numbers without bounds and fields that nobody thought of."""
    assert unpack_outcome(pack_outcome(outcome)) == outcome


@given(any_series, any_histogram)
def test_series_and_histograms_come_back_the_same(series: IntervalSeries, histogram: HistogramData) -> None:
    """Negative values too; the histograms' texts are the same letter by letter."""
    outcome = outcome_with(series, histogram)
    assert unpack_outcome(pack_outcome(outcome)) == outcome


@given(any_series, st.integers(1, 10 * _NS))
def test_a_throughput_that_does_not_follow_from_its_series_comes_back_the_same(
    series: IntervalSeries, interval_ns: int
) -> None:
    """It then travels itself."""
    outcome = outcome_with(series, record([1]), interval_ns=interval_ns)
    assert unpack_outcome(pack_outcome(outcome)) == outcome


def test_a_throughput_that_follows_from_its_series_takes_no_room() -> None:
    """It is computed again on arrival."""
    chance = random.Random(1)  # noqa: S311 - no secret
    series = IntervalSeries(
        ends_ns=range(_NS, 601 * _NS, _NS), amounts=[chance.randrange(10**6, 10**9) for _ in range(600)]
    )
    follows = outcome_with(series, record([1]))
    client = follows.client.records[0]
    assert isinstance(client, HttpClientRecord)
    other = attrs.evolve(client, throughput=attrs.evolve(client.throughput, total=1))
    travels = attrs.evolve(follows, client=attrs.evolve(follows.client, records=(other,)))
    assert len(pack_outcome(follows)) + 400 < len(pack_outcome(travels))


def test_a_minute_takes_a_few_bits_an_interval() -> None:
    """600 intervals that were late by some 50 us, with the amounts of datagrams of 1,400 bytes: 20 bits each."""
    chance = random.Random(1)  # noqa: S311 - no secret
    series = IntervalSeries(
        ends_ns=[place * 10**8 + 1000 * round(chance.lognormvariate(4, 0.5)) for place in range(1, 601)],
        amounts=[1400 * (100 + round(chance.gauss(0, 2))) for _ in range(600)],
    )
    size = len(pack_outcome(outcome_with(series, record([1]), interval_ns=10**8)))
    assert size - len(pack_outcome(outcome_with(IntervalSeries(ends_ns=(), amounts=()), record([1])))) < 600 * 20 / 8


def test_a_histogram_takes_four_fifths_of_its_deflated_form() -> None:
    """As bytes, before base64 adds a third to both."""
    chance = random.Random(1)  # noqa: S311 - no secret
    recorder = HistogramRecorder("ns")
    recorder.record_many([round(chance.lognormvariate(11, 0.8)) for _ in range(30_000)])
    text = recorder.data().positive
    writer = Writer()
    write_counts(writer, read_buckets(text))
    assert len(writer.to_bytes()) < len(base64.b64decode(text)) * 4 / 5


@given(any_series, any_histogram)
def test_nothing_in_a_text_is_escaped(series: IntervalSeries, histogram: HistogramData) -> None:
    """Neither by Python's JSON nor by Go's, which is what API servers write."""
    assert not set(pack_outcome(outcome_with(series, histogram))) & set('"\\<>&')


# -- damage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "no base85!", "AAAA", "H4sIAAAAAAAA/w==", "<a&b>", "é"])
def test_what_is_no_outcome_is_refused(text: str) -> None:
    """In words."""
    with pytest.raises(ProtocolError, match="its outcome is damaged"):
        unpack_outcome(text)


@given(st.data())
def test_a_text_that_was_changed_is_refused(data: st.DataObject) -> None:
    """Any letter of it: there is a checksum."""
    whole = bytes_of(pack_outcome(tcp_outcome(1, 2, 3)))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ProtocolError, match="its outcome is damaged"):
        unpack_outcome(text_of(whole))


@given(st.data())
def test_what_only_looks_like_an_outcome_is_refused_or_read(data: st.DataObject) -> None:
    """With a right checksum over wrong bytes no other error escapes."""
    whole = bytes_of(pack_outcome(outcome_with(_SERIES, record([1, 1000, 10**6, -5], "ns"))))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(4, len(whole) - 1))] = data.draw(st.integers(0, 255))
    whole[:4] = zlib.crc32(whole[4:]).to_bytes(4, "big")
    try:
        read = unpack_outcome(text_of(whole))
    except ProtocolError:
        return
    assert isinstance(read, PairOutcome)


_SERIES = IntervalSeries(ends_ns=(_NS, 2 * _NS + 5), amounts=(10, 12))


# -- parts -------------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 50) | st.integers(0), max_size=30), st.integers(0, 70), st.data())
def test_a_stream_gives_what_was_put_in(numbers: list[int], width: int, data: st.DataObject) -> None:
    """Numbers, those that are mostly small, and those of one width side by side."""
    remainders = data.draw(st.lists(st.integers(0, 2**width - 1), max_size=30))
    writer = Writer()
    writer.number(len(numbers))
    writer.rice(numbers)
    writer.remainders(remainders, width)
    reader = Reader(writer.to_bytes())
    assert reader.rice(reader.number()) == numbers
    assert reader.remainders(len(remainders), width) == remainders


@pytest.mark.parametrize("series", [IntervalSeries(ends_ns=e, amounts=a) for e, a in [((), ()), ((5,), (0,))]])
def test_the_shortest_series_come_back(series: IntervalSeries) -> None:
    """None and one."""
    writer = Writer()
    write_series(writer, series)
    assert read_series(Reader(writer.to_bytes())) == series


@given(buckets)
def test_counts_come_back_the_same(counts: dict[int, int]) -> None:
    """Few and many in a bucket, of all buckets."""
    writer = Writer()
    write_counts(writer, counts)
    assert read_counts(Reader(writer.to_bytes())) == counts


@given(buckets)
def test_buckets_come_back_from_their_text(counts: dict[int, int]) -> None:
    """In the compressed V2 form."""
    assert read_buckets(encode_buckets(counts)) == counts


@pytest.mark.parametrize("numbers", [[1], [30], [1] * 40])
def test_a_stream_that_ends_too_early_is_refused(numbers: Sequence[int]) -> None:
    """Where a number or a bit is missing."""
    writer = Writer()
    writer.rice(numbers)
    cut = writer.to_bytes()[:-1]
    with pytest.raises((ValueError, IndexError)):
        Reader(cut).rice(len(numbers))
