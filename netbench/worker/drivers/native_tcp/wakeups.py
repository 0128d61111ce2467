"""How seldom a receiving thread is woken while bytes come fast.

On a fast path a reader that is woken for every few segments spends more on waking than on copying, and the sender pays
for it: rousing a sleeping processor is the sender's work. Reading what has come in a millisecond at once leaves that
out, as it leaves out nothing that the network does.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Final

__all__ = ("WakeUps",)

_NS_PER_S = 1_000_000_000
#: How often the rate is looked at, and how much of it a reader is to find when it is woken.
_PERIOD_NS: Final = 1_000_000
#: Below this a stream is not fast, and is woken for every byte, so that what is counted is never late.
_LEAST_BYTES: Final = 16 * 1024
#: More than this lies in the socket's buffer and not in a processor's cache.
_MOST_BYTES: Final = 512 * 1024


class WakeUps:
    """Has the kernel wake a socket's reader for about a millisecond's worth of bytes (``SO_RCVLOWAT``).

    A stream that slows down is soon read byte by byte again: a reader waits for the full amount no longer than its
    socket's own timeout, and the end of the stream wakes it at once. Where the system does not have the option nothing
    changes.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._amount = 1
        self._total = 0
        self._since_ns = 0

    def adapt(self, now_ns: int, total_bytes: int) -> int:
        """Look at how fast bytes came since the last call.

        Returns:
            When to call again.
        """
        elapsed_ns = max(1, now_ns - self._since_ns)
        amount = wake_amount((total_bytes - self._total) * _NS_PER_S / elapsed_ns)
        self._total, self._since_ns = total_bytes, now_ns
        if amount != self._amount:
            self._amount = amount
            with suppress(OSError):
                self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, amount)
        return now_ns + _PERIOD_NS


def wake_amount(bytes_per_s: float) -> int:
    """Give the bytes for which to wake a reader at this rate: a power of two, so that it seldom changes."""
    bytes_per_period = int(bytes_per_s * _PERIOD_NS / _NS_PER_S)
    if bytes_per_period < _LEAST_BYTES:
        return 1
    return min(1 << (bytes_per_period.bit_length() - 1), _MOST_BYTES)
