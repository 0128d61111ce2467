"""One worker with all the others: incast and its reverse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from netbench import validation as v
from netbench.pairing.base import Pairing, by_name, require_two
from netbench.topology import Pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netbench.topology import Worker

__all__ = ("ManyToOne", "OneToMany")


@attrs.frozen
class ManyToOne:
    """One worker is the server of all the others, at the same time.

    The others are clients wherever they are, those on the server's own node included.

    Attributes:
        server: The server's name; None takes the first worker of the fleet.

    Raises:
        InvalidArgumentError: The name is empty or no string.
    """

    server: str | None = attrs.field(default=None, validator=v.optional(v.text))

    def pair(self, workers: Sequence[Worker]) -> Pairing:
        """Pair the workers, all in one round.

        Raises:
            PairingError: There are fewer than two workers, or none has the given name.
        """
        require_two(workers, "ManyToOne()")
        server = workers[0] if self.server is None else by_name(workers, self.server, "ManyToOne(server=)")
        return Pairing(rounds=(tuple(Pair(client, server) for client in workers if client.name != server.name),))


@attrs.frozen
class OneToMany:
    """One worker is the client of all the others, at the same time.

    The others are servers wherever they are, those on the client's own node included.

    Attributes:
        client: The client's name; None takes the first worker of the fleet.

    Raises:
        InvalidArgumentError: The name is empty or no string.
    """

    client: str | None = attrs.field(default=None, validator=v.optional(v.text))

    def pair(self, workers: Sequence[Worker]) -> Pairing:
        """Pair the workers, all in one round.

        Raises:
            PairingError: There are fewer than two workers, or none has the given name.
        """
        require_two(workers, "OneToMany()")
        client = workers[0] if self.client is None else by_name(workers, self.client, "OneToMany(client=)")
        return Pairing(rounds=(tuple(Pair(client, server) for server in workers if server.name != client.name),))
