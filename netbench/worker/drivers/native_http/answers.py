"""The client's reading of answers: strictly the first time, by heart afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbench.worker.drivers.native_http.wire import (
    HEAD_END,
    HEAD_MAX_BYTES,
    Head,
    MalformedError,
    parse_response,
)

if TYPE_CHECKING:
    from netbench.worker.drivers.native_http.connection import Connection

__all__ = ("Answers",)

#: Heads that are known by heart.
_HEADS_MAX = 256
#: An answer of at most so many bytes is known by heart as a whole.
_USUAL_MAX_BYTES = 16_384


class Answers:
    """Reads the answers of all connections, which mostly are the same."""

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}
        self._usual = b""
        self._usual_head: Head | None = None
        #: Body bytes so far.
        self.body_bytes = 0

    @property
    def usual(self) -> tuple[bytes, Head | None]:
        """The answer that is known by heart as a whole, and its head; none before the first."""
        return self._usual, self._usual_head

    def take(self, connection: Connection, data: bytes) -> Head | None:
        """Take what was read.

        Returns:
            The head of the answer if that is whole now, else None.

        Raises:
            MalformedError: It is no answer, or there is more than one.
        """
        head = connection.head
        if head is None and not connection.text:
            if data == self._usual and (usual := self._usual_head) is not None:
                self.body_bytes += usual.length
                return usual
            head = self._take_head(connection, data)
            if head is not None and not connection.remaining and len(data) <= _USUAL_MAX_BYTES:
                # Until the next second, where the server dates its answers.
                self._usual, self._usual_head = data, head
        elif head is None:
            head = self._take_head(connection, connection.text + data)
        else:
            connection.remaining -= len(data)
            self.body_bytes += len(data)
        if head is None:
            return None
        if connection.remaining < 0:
            msg = "more than the answer's body came"
            raise MalformedError(msg)
        if connection.remaining:
            return None
        connection.text = b""
        connection.head = None
        return head

    def _take_head(self, connection: Connection, text: bytes) -> Head | None:
        end = text.find(HEAD_END)
        if end < 0:
            if len(text) > HEAD_MAX_BYTES:
                msg = f"no end of the head in {len(text)} bytes"
                raise MalformedError(msg)
            connection.text = text
            return None
        end += len(HEAD_END)
        head = connection.head = self._head(text[:end])
        connection.remaining = head.length - (len(text) - end)
        self.body_bytes += len(text) - end
        return head

    def _head(self, text: bytes) -> Head:
        head = self._heads.get(text)
        if head is None:
            head = parse_response(text)
            # All answers of a run are the same, but for the date that other servers than ours put into them.
            if len(self._heads) >= _HEADS_MAX:
                self._heads.clear()
            self._heads[text] = head
        return head
