"""The roll of a round with many pairs: one object in which the time base writes which of them are armed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from netbench.errors import ProtocolError
from netbench.kube.names import API_GROUP, API_VERSION, RUN_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from netbench.kube.api import JsonObject
    from netbench.kube.names import FleetNames

__all__ = ("Roll", "roll_number", "roll_object")


@attrs.frozen(kw_only=True)
class Roll:
    """Which pairs of a round are armed, each by its number in the round.

    It is written anew for each few dozen pairs, and is as small for thousands as it can be: with names and instants,
    what a roll costs the API server grew with the square of the pairs.

    Attributes:
        armed: One bit for each pair that is armed: 1 << number.
        written_ns: When this was written, in Unix nanoseconds of the time base.
    """

    armed: int = attrs.field(validator=attrs.validators.ge(0))
    written_ns: int

    def numbers(self) -> Iterator[int]:
        """Give the numbers of the pairs that are armed, ascending."""
        for number, bit in enumerate(reversed(f"{self.armed:b}")):
            if bit == "1":
                yield number

    def to_status(self) -> JsonObject:
        """Write it down as the status of the roll's object."""
        return {"armed": f"{self.armed:x}@{self.written_ns}"}

    @classmethod
    def of(cls, value: JsonObject) -> Self | None:
        """Read a roll's object; None where it is none, or nothing is written in it yet.

        Raises:
            ProtocolError: It cannot be understood.
        """
        text = (value.get("status") or {}).get("armed")
        if text is None:
            return None
        armed, _, written_ns = text.partition("@")
        try:
            return cls(armed=int(armed, 16), written_ns=int(written_ns))
        except ValueError as error:
            msg = f"the roll {value['metadata']['name']} cannot be read: {error}"
            raise ProtocolError(msg) from error


def roll_object(names: FleetNames, run_id: str, round_index: int) -> JsonObject:
    """Make a round's roll: no request, but a place for one worker to write which pairs of all are armed."""
    return {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": "NetworkTestRequest",
        "metadata": {
            "name": names.roll(run_id, round_index),
            "namespace": names.namespace,
            "labels": {**names.labels, RUN_LABEL: run_id},
        },
        "spec": {"runID": run_id, "roundIndex": round_index},
    }


def roll_number(value: JsonObject) -> int | None:
    """Give the number of a request object's first pair in the roll of its round; None where there is no roll."""
    number: int | None = (value.get("spec") or {}).get("rollNumber")
    return number
