"""Two streams side by side: whole numbers in as many bytes as they need, and single bits."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

from netbench.hdr import append_number

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("Reader", "Writer", "signed", "zigzag")

#: Quotients beyond this are written as numbers: so many ones in a row would take more.
_QUOTIENT_MAX = 20
#: About what such a number takes, with the ones that announce it.
_ESCAPED_BITS = 40


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

    def rice(self, values: Sequence[int]) -> None:
        """Write numbers >= 0, most of which are small, in the width that suits them best (Rice and Plaunt, 1971)."""
        # The best width is about that of the mean, or less where a few are far away.
        most = (sum(values) // len(values)).bit_length() if values else 0
        width = min(range(max(0, most - 5), most + 1), key=lambda width: _rice_bits(values, width))
        self.number(width)
        quotients = [value >> width for value in values]
        self._bits += ["1" * min(quotient, _QUOTIENT_MAX) + "0" for quotient in quotients]
        for quotient in quotients:
            if quotient >= _QUOTIENT_MAX:
                self.number(quotient)
        mask = (1 << width) - 1
        self.remainders([value & mask for value in values], width)

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

    def rice(self, count: int) -> list[int]:
        """Read so many numbers that were written together.

        Raises:
            ValueError: There are fewer.
            IndexError: There is nothing.
        """
        width = self.number()
        quotients = self._quotients(count)
        return [
            quotient << width | remainder
            for quotient, remainder in zip(quotients, self.remainders(count, width), strict=True)
        ]

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

    def _quotients(self, count: int) -> list[int]:
        if not count:
            return []
        # Split in C: a search for each zero takes three times as long.
        parts = self._bits[self._bit : self._bit + count * (_QUOTIENT_MAX + 1)].split("0", count)
        if len(parts) <= count:
            msg = f"{count} numbers were expected, and {len(parts) - 1} are left"
            raise ValueError(msg)
        values = list(map(len, parts[:count]))
        self._bit += sum(values) + count
        return [value if value < _QUOTIENT_MAX else self.number() for value in values]


def _rice_bits(values: Sequence[int], width: int) -> int:
    return len(values) * (width + 1) + sum([min(value >> width, _ESCAPED_BITS) for value in values])
