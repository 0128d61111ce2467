"""What makes a result mean something a year later: what was measured, with what, and where."""

from __future__ import annotations

import attrs

from netbench import validation as v
from netbench.messages import DriverName, HostFacts
from netbench.result.precision import Precision
from netbench.traffic import Traffic

__all__ = ("MeasurementFacts", "RunMetadata")


@attrs.frozen(kw_only=True)
class MeasurementFacts:
    """What was asked for; :class:`netbench.Measurement` documents each argument.

    Attributes:
        traffic: What each pair sent.
        driver: The tool that sent it.
        duration_s: How long traffic counted.
        warmup_s: How long it flowed before it counted.
        interval_s: Length of one interval of the throughput series.
        seed: Seed of the payload's bytes.
        port: First port of the servers' data sockets; None where each system chose free ones.
        until: How precise the repetitions were to be; None where their number was fixed.
    """

    traffic: Traffic
    driver: DriverName
    duration_s: float = attrs.field(validator=v.number(above=0))
    warmup_s: float = attrs.field(validator=v.number(at_least=0))
    interval_s: float = attrs.field(validator=v.number(above=0))
    seed: int = attrs.field(validator=v.integer(at_least=0))
    port: int | None = attrs.field(default=None, validator=v.optional(v.integer(at_least=1, at_most=65535)))
    until: Precision | None = None


@attrs.frozen(kw_only=True)
class RunMetadata:
    """Where, when and by what a result was measured.

    Attributes:
        run_id: A name for the run that no other run has.
        started_at: When, in UTC, as ISO 8601.
        command: The command line of the controller's process.
        netbench: The controller's netbench.
        python: Its Python.
        platform: Its operating system.
        backend: Where the workers lived: ``local`` or ``kubernetes``.
        backend_details: Isolation, link rate and MTU, or context and server version, as words.
        workers: What each worker said of where it ran, by the worker's name.
        strategy: The pairing strategy, as it would be written in Python.
    """

    run_id: str = attrs.field(validator=v.text)
    started_at: str = attrs.field(validator=v.text)
    command: tuple[str, ...]
    netbench: str
    python: str
    platform: str
    backend: str
    backend_details: dict[str, str]
    workers: dict[str, HostFacts]
    strategy: str
