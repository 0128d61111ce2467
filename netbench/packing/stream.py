"""Two streams side by side: whole numbers in as many bytes as they need, and single bits."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

from netbench.hdr import append_number

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("QUOTIENT_MAX", "Reader", "Writer", "signed", "zigzag")

#: Quotients beyond this are written as numbers: so many ones in a row would take more.
QUOTIENT_MAX = 20


def zigzag(value: int) -> int:
    """Turn a signed number into one >= 0 that is small where its magnitude is."""
    return 2 * value if value >= 0 else -2 * value - 1


def signed(number: int) -> int:
    """Turn it back."""
    return number >> 1 if number & 1 == 0 else -((number + 1) >> 1)


class Writer:
    """Collects numbers and bits."""

    def __init__(self) -> None:
        self._numbers = bytearray()
        self._bits: list[str] = []

    def number(self, value: int) -> None:
        """Write a number >= 0, as LEB128."""
        append_number(self._numbers, value)

    def quotients(self, values: Sequence[int]) -> None:
        """Write small numbers >= 0: as many ones, and a zero."""
        self._bits += ["1" * min(value, QUOTIENT_MAX) + "0" for value in values]
        for value in values:
            if value >= QUOTIENT_MAX:
                self.number(value)

    def remainders(self, values: Sequence[int], width: int) -> None:
        """Write numbers >= 0 of so many bits each."""
        if width:
            self._bits += map(format, values, repeat(f"0{width}b"))

    def to_bytes(self) -> bytes:
        """Give both streams: the length of the first, the first, the second."""
        bits = "".join(self._bits)
        padded = bits + "0" * (-len(bits) % 8)
        whole = Writer()
        whole.number(len(self._numbers))
        tail = int(padded, 2).to_bytes(len(padded) // 8, "big") if padded else b""
        return bytes(whole._numbers + self._numbers) + tail


class Reader:
    """Reads what a :class:`Writer` wrote, in the same order."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0
        length = self.number()
        tail = data[self._place + length :]
        self._bits = bin(int.from_bytes(b"\1" + tail, "big"))[3:]
        self._bit = 0

    def number(self) -> int:
        """Read a number.

        Raises:
            IndexError: There is none.
        """
        value = shift = 0
        while True:
            byte = self._data[self._place]
            self._place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004 - seven bits
                return value
            shift += 7

    def quotients(self, count: int) -> list[int]:
        """Read so many small numbers.

        Raises:
            ValueError: There are fewer.
        """
        if not count:
            return []
        # Split in C: a search for each zero takes three times as long.
        parts = self._bits[self._bit : self._bit + count * (QUOTIENT_MAX + 1)].split("0", count)
        if len(parts) <= count:
            msg = f"{count} numbers were expected, and {len(parts) - 1} are left"
            raise ValueError(msg)
        values = list(map(len, parts[:count]))
        self._bit += sum(values) + count
        return [value if value < QUOTIENT_MAX else self.number() for value in values]

    def remainders(self, count: int, width: int) -> list[int]:
        """Read so many numbers of so many bits each.

        Raises:
            ValueError: There are fewer.
        """
        if not width:
            return [0] * count
        begin, self._bit = self._bit, self._bit + count * width
        if self._bit > len(self._bits):
            msg = f"{count} numbers of {width} bits were expected"
            raise ValueError(msg)
        bits = self._bits
        return [int(bits[place : place + width], 2) for place in range(begin, self._bit, width)]
