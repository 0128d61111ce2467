"""How many sockets this process may have."""

from __future__ import annotations

import resource

from netbench.errors import DriverError

__all__ = ("allow_open_files",)

#: Files that a worker has open besides its data connections, with room for other pairs.
_RESERVE = 256


def allow_open_files(connections: int) -> None:
    """Raise this process's own limit on open files, as far as the system lets, to fit so many connections.

    Raises:
        DriverError: The hard limit is too low.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _RESERVE
    if hard != resource.RLIM_INFINITY and hard < needed:
        msg = f"{connections} connections need {needed} open files and this system allows {hard} (ulimit -Hn)"
        raise DriverError(msg, reason="unsupported")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
