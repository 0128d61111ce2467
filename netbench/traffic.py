"""What a pair sends: frozen values, checked when they are made, with units in their names."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias

import attrs

from netbench import validation as v
from netbench.errors import InvalidArgumentError

__all__ = ("Direction", "Http", "Tcp", "Traffic", "Udp")

Direction: TypeAlias = Literal["forward", "reverse"]

#: The largest UDP payload over IPv4 (RFC 768, RFC 791): 65535 less 20 bytes of IP and 8 of UDP header.
UDP_PAYLOAD_MAX_BYTES = 65507
#: netbench's own header in each datagram: session cookie, sequence number, send time, 8 bytes each.
UDP_PAYLOAD_MIN_BYTES = 24
STREAMS_MAX = 128
TCP_PAYLOAD_MAX_BYTES = 16 * 2**20
HTTP_BODY_MAX_BYTES = 64 * 2**20
CONNECTIONS_MAX = 4096


@attrs.frozen(kw_only=True)
class Tcp:
    """Bulk transfer over TCP.

    Attributes:
        streams: Parallel connections of one pair.
        direction: ``forward`` sends from client to server, ``reverse`` from server to client, ``both`` at once.
        payload_bytes: Size of one write. From 512 KiB on the calls no longer cost anything that could be measured.
        rate_bps: Payload bits per second of the pair and direction, shared by its streams; None sends as
            fast as TCP lets.
        receive: ``copy`` reads the payload as an application would, ``discard`` lets the kernel drop it
            (``MSG_TRUNC``, Linux), which takes the receiver's memory bandwidth out of the measurement.
        congestion: Congestion control algorithm such as ``cubic`` or ``bbr``; None takes the system's.
    """

    protocol: ClassVar[Literal["tcp"]] = "tcp"
    #: How long after the end an answer to something of the window may still come.
    tail_s: ClassVar[float] = 0.0

    streams: int = attrs.field(default=1, validator=v.integer(at_least=1, at_most=STREAMS_MAX))
    direction: Literal["forward", "reverse", "both"] = attrs.field(
        default="forward", validator=v.one_of("forward", "reverse", "both")
    )
    payload_bytes: int = attrs.field(default=512 * 1024, validator=v.integer(at_least=1, at_most=TCP_PAYLOAD_MAX_BYTES))
    rate_bps: float | None = attrs.field(default=None, validator=v.optional(v.number(above=0)))
    receive: Literal["copy", "discard"] = attrs.field(default="copy", validator=v.one_of("copy", "discard"))
    congestion: str | None = attrs.field(default=None, validator=v.optional(v.text))

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The directions in which payload flows."""
        return ("forward", "reverse") if self.direction == "both" else (self.direction,)


def _one_rate(instance: Udp, _: object, value: object) -> None:
    given = [name for name in ("rate_bps", "rate_pps") if getattr(instance, name) is not None]
    if value:
        given.append("unlimited")
    if len(given) > 1:
        where = "Udp(rate_bps=, rate_pps=, unlimited=)"
        raise InvalidArgumentError(where, ", ".join(given), "at most one of the three")


@attrs.frozen(kw_only=True)
class Udp:
    """A stream of datagrams from client to server at a steady rate.

    At most one of ``rate_bps``, ``rate_pps`` and ``unlimited`` may be given; without any it is 1,000 datagrams a
    second, a rate that harms nobody.

    Attributes:
        rate_bps: UDP payload bits per second of the pair, shared by its streams.
        rate_pps: Datagrams per second of the pair, shared by its streams.
        payload_bytes: UDP payload of one datagram. The default fits an Ethernet frame of 1500 bytes even through
            the usual tunnels (VXLAN, Geneve, WireGuard); above the path's MTU the kernel fragments.
        streams: Flows of one pair, each with ports of its own.
        unlimited: Send as fast as the sender can.
    """

    protocol: ClassVar[Literal["udp"]] = "udp"
    #: How long after the end an answer to something of the window may still come.
    tail_s: ClassVar[float] = 0.0

    rate_bps: float | None = attrs.field(default=None, validator=v.optional(v.number(above=0)))
    rate_pps: float | None = attrs.field(default=None, validator=v.optional(v.number(above=0)))
    payload_bytes: int = attrs.field(
        default=1400, validator=v.integer(at_least=UDP_PAYLOAD_MIN_BYTES, at_most=UDP_PAYLOAD_MAX_BYTES)
    )
    streams: int = attrs.field(default=1, validator=v.integer(at_least=1, at_most=STREAMS_MAX))
    unlimited: bool = attrs.field(default=False, validator=[v.boolean, _one_rate])

    @property
    def asked_pps(self) -> float | None:
        """Datagrams per second that the pair is asked to send; None where it is unlimited."""
        if self.unlimited:
            return None
        if self.rate_bps is not None:
            return self.rate_bps / (8 * self.payload_bytes)
        return 1000.0 if self.rate_pps is None else self.rate_pps


def _body_of_get(instance: Http, attribute: attrs.Attribute[Any], value: object) -> None:
    if instance.method == "GET" and value:
        raise v.fail(instance, attribute.name, value, "0 with method 'GET', which has no body; use method='POST'")


@attrs.frozen(kw_only=True)
class Http:
    """HTTP/1.1 requests and responses.

    Attributes:
        method: ``GET`` or ``POST``.
        request_bytes: Body of each request; only with ``POST``.
        response_bytes: Body of each response.
        connections: Connections of the pair, each with at most one request under way.
        rate_rps: None runs a closed loop: each connection sends its next request when the last is answered. A number
            runs an open loop of that many requests per second on a fixed schedule, whatever the server does; response
            times then count from the instant the request was meant to leave (see Tene, "How NOT to Measure Latency").
        connection: ``keep-alive``, or ``per-request`` for a new connection each time.
        timeout_s: A request without its whole response after this many seconds is an error of kind ``timeout``.
    """

    protocol: ClassVar[Literal["http"]] = "http"

    method: Literal["GET", "POST"] = attrs.field(default="GET", validator=v.one_of("GET", "POST"))
    request_bytes: int = attrs.field(
        default=0, validator=[v.integer(at_least=0, at_most=HTTP_BODY_MAX_BYTES), _body_of_get]
    )
    response_bytes: int = attrs.field(default=1024, validator=v.integer(at_least=0, at_most=HTTP_BODY_MAX_BYTES))
    connections: int = attrs.field(default=8, validator=v.integer(at_least=1, at_most=CONNECTIONS_MAX))
    rate_rps: float | None = attrs.field(default=None, validator=v.optional(v.number(above=0)))
    connection: Literal["keep-alive", "per-request"] = attrs.field(
        default="keep-alive", validator=v.one_of("keep-alive", "per-request")
    )
    timeout_s: float = attrs.field(default=5.0, validator=v.number(above=0))

    @property
    def tail_s(self) -> float:
        """How long after the end an answer to something of the window may still come."""
        return self.timeout_s


Traffic: TypeAlias = Tcp | Udp | Http
