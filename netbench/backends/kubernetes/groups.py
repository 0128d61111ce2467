"""Who is to be hired for a fleet, and in a large one which worker of a group talks to the API server for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netbench.backends.kubernetes.objects import Place

__all__ = ("Hire", "hires")

#: A worker with connections and watches of its own costs an API server as much again as its pod does, which a fleet of
#: this size can still afford. What so many say to one of them is some kilobytes before and after a measurement.
_GROUP_MAX = 64


@attrs.frozen(kw_only=True)
class Hire:
    """A worker that is to be.

    Attributes:
        name: Its name, its pod's.
        place: The node that it is for; None for wherever the scheduler puts it.
        relay: The worker through which it reaches the API server; its own name for one through which others do; None
            where each does so by itself.
    """

    name: str
    place: Place | None
    relay: str | None

    @property
    def relayed_by(self) -> str | None:
        """The other worker that is its relay, if there is one."""
        return None if self.relay == self.name else self.relay


def hires(base: str, counts: Mapping[Place | None, int]) -> tuple[Hire, ...]:
    """Give all workers of a fleet, numbered.

    A group are neighbours by number, so that most of it is on one node or on few.

    Args:
        base: What their names begin with.
        counts: How many of them at each place.
    """
    places = [place for place, count in counts.items() for _ in range(count)]
    # Of one width, so that they are in the order of their numbers wherever names are sorted.
    width = len(str(len(places) - 1))
    names = [f"{base}-{number:0{width}}" for number in range(len(places))]
    grouped = len(names) > _GROUP_MAX
    relays = [names[number - number % _GROUP_MAX] if grouped else None for number in range(len(names))]
    return tuple(
        Hire(name=name, place=place, relay=relay) for name, place, relay in zip(names, places, relays, strict=True)
    )
