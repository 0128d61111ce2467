"""Many datagrams in one system call: sendmmsg(2) and recvmmsg(2), by ctypes; nothing has to be compiled.

Linux only. Buffers, their addresses and the kernel's message headers are laid out once; a call then costs about as much
for 64 datagrams as for one.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import sys
from array import array
from typing import TYPE_CHECKING

from netbench.worker.drivers.native_udp.header import SEQUENCE_WORD, STAMP_WORD, TAG_WORD, slot_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("BatchReceiver", "BatchSender", "available")

_BATCH = 64
_WORD_BYTES = 8
_MSG_WAITFORONE = 0x10000
_SO_TIMESTAMPNS = 35
#: A control message with a time stamp: length, level and type, seconds, nanoseconds; a word each.
_CONTROL_WORDS = 4
_CONTROL_SECONDS, _CONTROL_NANOSECONDS = 2, 3


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):
    """``struct mmsghdr``: a ``struct msghdr`` with its padding, and the length that was sent or received."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("iovecs", ctypes.c_void_p),
        ("iovec_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("padding", ctypes.c_int),
        ("length", ctypes.c_uint32),
    )


def available() -> bool:
    """Whether this system has both calls, and the layout of 64-bit Linux that is written down here."""
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_void_p) != _WORD_BYTES:
        return False
    libc = ctypes.CDLL(None)
    return hasattr(libc, "sendmmsg") and hasattr(libc, "recvmmsg")


class _Slots:
    """Buffers for a batch, and the message headers that point to them."""

    def __init__(self, payload: bytes, control_words: int) -> None:
        slot = slot_bytes(len(payload))
        self.words_per_slot = slot // _WORD_BYTES
        self._buffer = bytearray((payload + bytes(slot - len(payload))) * _BATCH)
        self._control = bytearray(max(1, control_words * _WORD_BYTES * _BATCH))
        self.words = memoryview(self._buffer).cast("Q")
        self.control = memoryview(self._control).cast("Q") if control_words else None
        base = ctypes.addressof(ctypes.c_char.from_buffer(self._buffer))
        control = ctypes.addressof(ctypes.c_char.from_buffer(self._control))
        self._iovecs = (_Iovec * _BATCH)()
        self.messages = (_Message * _BATCH)()
        for index in range(_BATCH):
            self._iovecs[index].base = base + index * slot
            self._iovecs[index].length = len(payload)
            self.messages[index].iovecs = ctypes.addressof(self._iovecs[index])
            self.messages[index].iovec_count = 1
            if control_words:
                self.messages[index].control = control + index * control_words * _WORD_BYTES
                self.messages[index].control_length = control_words * _WORD_BYTES


class BatchSender:
    """Sends batches of one stream's datagrams over a connected socket."""

    batch = _BATCH

    def __init__(self, connection: socket.socket, tag: int, payload: bytes) -> None:
        self._descriptor = connection.fileno()
        self._slots = _Slots(payload, 0)
        self._slots.words[TAG_WORD :: self._slots.words_per_slot] = array("Q", [tag] * _BATCH)
        self._call = ctypes.CDLL(None, use_errno=True).sendmmsg

    def send(self, count: int, sequence: int, stamp_ns: int) -> int:
        """Send datagrams with these sequence numbers.

        Returns:
            How many were sent; the first one that was not is the one to try next.

        Raises:
            OSError: None could be sent.
        """
        words, step = self._slots.words, self._slots.words_per_slot
        end = count * step
        if count == 1:
            words[SEQUENCE_WORD] = sequence
            words[STAMP_WORD] = stamp_ns
        else:
            words[SEQUENCE_WORD:end:step] = array("Q", range(sequence, sequence + count))
            words[STAMP_WORD:end:step] = array("Q", (stamp_ns,)) * count
        sent = int(self._call(self._descriptor, self._slots.messages, count, 0))
        if sent < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return sent


class BatchReceiver:
    """Receives whatever has come for one stream, with the kernel's stamps of its arrival."""

    def __init__(self, connection: socket.socket, tag: int, payload_bytes: int) -> None:
        connection.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._descriptor = connection.fileno()
        self._tag = tag
        self._payload_bytes = payload_bytes
        # One byte more than is due, so that a longer datagram is not taken for one of ours.
        self._slots = _Slots(bytes(payload_bytes + 1), _CONTROL_WORDS)
        # The kernel writes lengths into the headers, so each call starts from a copy.
        self._fresh = bytes(self._slots.messages)
        self._lengths = memoryview(self._slots.messages).cast("B").cast("I")
        self._call = ctypes.CDLL(None, use_errno=True).recvmmsg

    def receive(self) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
        """Wait for at least one datagram, for no longer than the socket's own timeout.

        Returns:
            Sequence numbers, send stamps and arrival stamps (Unix nanoseconds of this system's clock) of the datagrams
            of this session; empty where only strangers' came.

        Raises:
            BlockingIOError: Nothing came in time.
            OSError: The socket is broken.
        """
        slots = self._slots
        ctypes.memmove(slots.messages, self._fresh, len(self._fresh))
        count = int(self._call(self._descriptor, slots.messages, _BATCH, _MSG_WAITFORONE, None))
        if count < 0:
            code = ctypes.get_errno()
            if code in {errno.EAGAIN, errno.EINTR}:
                raise BlockingIOError(code, os.strerror(code))
            raise OSError(code, os.strerror(code))
        return self._read(count)

    def _read(self, count: int) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
        words, step = self._slots.words, self._slots.words_per_slot
        control = self._slots.control
        assert control is not None  # noqa: S101 - made with control words
        end, control_end = count * step, count * _CONTROL_WORDS
        message_words = ctypes.sizeof(_Message) // 4
        lengths = self._lengths[_Message.length.offset // 4 : count * message_words : message_words].tolist()
        tags = words[TAG_WORD:end:step].tolist()
        sequences = words[SEQUENCE_WORD:end:step].tolist()
        stamps = words[STAMP_WORD:end:step].tolist()
        seconds = control[_CONTROL_SECONDS:control_end:_CONTROL_WORDS].tolist()
        nanoseconds = control[_CONTROL_NANOSECONDS:control_end:_CONTROL_WORDS].tolist()
        arrivals = [second * 1_000_000_000 + part for second, part in zip(seconds, nanoseconds, strict=True)]
        if tags.count(self._tag) == count and lengths.count(self._payload_bytes) == count:
            return sequences, stamps, arrivals
        mine = [index for index in range(count) if tags[index] == self._tag and lengths[index] == self._payload_bytes]
        return [sequences[i] for i in mine], [stamps[i] for i in mine], [arrivals[i] for i in mine]
