"""An outcome as one text: what is particular to it as JSON, and beside it its series and histograms.

A text is base85 (without the signs that JSON's writers escape) of: a checksum, the length of the JSON, the JSON
(deflated, with the names of all fields known to both sides), the streams. In the JSON a 0 stands where a series or a
histogram was; no other form of it is a number. What comes out is equal to what went in.
"""

from __future__ import annotations

import base64
import json
import zlib
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_type_hints

import attrs

from netbench.errors import ProtocolError
from netbench.hdr import encode_buckets, read_buckets, throughput_of
from netbench.messages import PairOutcome, from_wire, to_wire
from netbench.metrics import HistogramData, IntervalSeries
from netbench.packing.columns import read_series, typical_length, write_series
from netbench.packing.counts import read_counts, write_counts
from netbench.packing.stream import Reader, Writer

__all__ = ("pack_outcome", "unpack_outcome")

_ELSEWHERE = 0
#: Go's JSON writes the first three, which base85 uses, as six signs each; the others it does not use. Its own inverse.
_UNESCAPED = str.maketrans("&<>.,:", ".,:&<>")
_CHECKSUM_BYTES = 4
_LENGTH_BYTES = 4
#: The JSON of the largest outcome that an API server keeps is below this.
_JSON_MAX_BYTES = 16 * 2**20


def pack_outcome(outcome: PairOutcome) -> str:
    """Write an outcome down, in ASCII."""
    plain = to_wire(outcome)
    writer = Writer()
    for side in ("client", "server"):
        for record, said in zip(getattr(outcome, side).records, plain[side]["records"], strict=True):
            _write_record(writer, record, said)
    text = json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode()
    deflate = zlib.compressobj(level=9, zdict=_words())
    deflated = deflate.compress(text) + deflate.flush()
    body = len(deflated).to_bytes(_LENGTH_BYTES, "big") + deflated + writer.to_bytes()
    data = zlib.crc32(body).to_bytes(_CHECKSUM_BYTES, "big") + body
    return base64.b85encode(data).decode("ascii").translate(_UNESCAPED)


def unpack_outcome(text: str) -> PairOutcome:
    """Read what :func:`pack_outcome` wrote.

    Raises:
        ProtocolError: It is something else.
    """
    try:
        plain = _unpacked(text)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, zlib.error) as error:
        msg = f"its outcome is damaged: {error}"
        raise ProtocolError(msg) from error
    return from_wire(plain, PairOutcome)


def _unpacked(text: str) -> Any:  # noqa: ANN401 - JSON
    data = base64.b85decode(text.translate(_UNESCAPED))
    body = data[_CHECKSUM_BYTES:]
    if int.from_bytes(data[:_CHECKSUM_BYTES], "big") != zlib.crc32(body):
        msg = "its checksum is wrong"
        raise ValueError(msg)
    end = _LENGTH_BYTES + int.from_bytes(body[:_LENGTH_BYTES], "big")
    inflate = zlib.decompressobj(zdict=_words())
    plain = json.loads(inflate.decompress(body[_LENGTH_BYTES:end], _JSON_MAX_BYTES))
    reader = Reader(body[end:])
    for side in ("client", "server"):
        for said in plain[side]["records"]:
            _read_record(reader, said)
    return plain


def _write_record(writer: Writer, record: Any, said: dict[str, Any]) -> None:  # noqa: ANN401 - any of FlowRecord
    """Move the series and the histograms of a record from its JSON into the streams."""
    for name, plain in said.items():
        value = getattr(record, name, None)
        if isinstance(value, IntervalSeries):
            write_series(writer, value)
            said[name] = _ELSEWHERE
        elif isinstance(value, HistogramData) and not _follows(writer, record, name, value, said):
            for sign in ("positive", "negative"):
                buckets = _buckets(getattr(value, sign))
                if buckets is not None:
                    write_counts(writer, buckets)
                    plain[sign] = _ELSEWHERE


def _read_record(reader: Reader, said: dict[str, Any]) -> None:
    """Put them back, in the same order."""
    for name, value in said.items():
        if name == "series" and _is_elsewhere(value):
            series = read_series(reader)
            said[name] = {"ends_ns": series.ends_ns, "amounts": series.amounts}
        elif name == "throughput" and _is_elsewhere(value):
            said[name] = to_wire(throughput_of(IntervalSeries(**said["series"]), reader.number()))
        elif isinstance(value, dict) and "positive" in value:
            for sign in ("positive", "negative"):
                if _is_elsewhere(value.get(sign)):
                    value[sign] = encode_buckets(read_counts(reader))


def _is_elsewhere(value: object) -> bool:
    return value is _ELSEWHERE


def _follows(
    writer: Writer,
    record: Any,  # noqa: ANN401 - any of FlowRecord
    name: str,
    value: HistogramData,
    said: dict[str, Any],
) -> bool:
    """Leave out a histogram that follows from the record's series, as that of the throughput does."""
    if name != "throughput" or record.series is None:
        return False
    interval_ns = typical_length(record.series)
    try:
        if throughput_of(record.series, interval_ns) != value:
            return False
    except OverflowError:
        # A rate that no histogram holds: whatever this one is, it is not of this series.
        return False
    writer.number(interval_ns)
    said[name] = _ELSEWHERE
    return True


def _buckets(text: str | None) -> dict[int, int] | None:
    """Give a histogram's buckets; None where its text does not come back from them."""
    if text is None:
        return None
    try:
        buckets = read_buckets(text)
    except ValueError:
        return None
    return buckets if encode_buckets(buckets) == text else None


@cache
def _words() -> bytes:
    """Give all names of fields as JSON has them: deflate then refers to them instead of saying them."""
    names: list[str] = []
    _gather(PairOutcome, names)
    values = ":null", ":0", ":false", '"200":', '"tool":"native","command":null,"strangers":0}'
    return ",".join([*values, *(f'"{name}":' for name in names)]).encode()


def _gather(kind: Any, names: list[str]) -> None:  # noqa: ANN401 - any annotation
    if attrs.has(kind):
        for name, hint in get_type_hints(kind).items():
            names.append(name)
            _gather(hint, names)
    elif kind is Union or isinstance(kind, UnionType) or get_args(kind):
        for each in get_args(kind):
            _gather(each, names)
