"""What netbench writes at the beginning of each datagram: three words of 8 bytes, in the byte order of the machine.

The tag tells this session's datagrams from any other; then come the sequence number within the stream, from 0, and the
instant of the send in Unix nanoseconds of the sender's clock.
"""

from __future__ import annotations

import hashlib
import sys

__all__ = ("HEADER_BYTES", "SEQUENCE_WORD", "STAMP_WORD", "TAG_WORD", "slot_bytes", "tag_of")

TAG_WORD, SEQUENCE_WORD, STAMP_WORD = range(3)
_WORD_BYTES = 8
HEADER_BYTES = 3 * _WORD_BYTES


def tag_of(cookie: bytes, stream: int) -> int:
    """Derive a stream's tag from the session's cookie, which itself is not shown in every datagram."""
    digest = hashlib.blake2b(stream.to_bytes(2, "big"), key=cookie, digest_size=_WORD_BYTES).digest()
    return int.from_bytes(digest, sys.byteorder)


def slot_bytes(payload_bytes: int) -> int:
    """Give the length of a buffer slot: the payload, rounded up so that every slot's words are aligned."""
    return -(-payload_bytes // _WORD_BYTES) * _WORD_BYTES
