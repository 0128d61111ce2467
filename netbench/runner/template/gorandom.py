"""Go's ``math/rand`` source, so that ``RandDataWithSeed`` gives what ClusterLoader2 gives for the same seed.

It is the additive lagged Fibonacci generator of D. P. Mitchell and J. A. Reeds, x[n] = x[n-607] + x[n-273] modulo
2**64, whose seeds are mixed with the state that it reaches after 7.8e12 steps from a fixed one. Go ships that state as
a table; here it is computed: a step is linear, so that many steps are a power of x modulo x**607 - x**334 - 1.
"""

from __future__ import annotations

from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("seeded_digits",)

_LENGTH, _TAP = 607, 273
_FEED = _LENGTH - _TAP
_STEPS = 7_800_000_000_000
_MASK = 2**64 - 1
_MODULUS = 2**31 - 1
_MULTIPLIER = 48271
_ZERO_SEED = 89482311
_WARM_UP = 20
#: Room for one coefficient of a product of two polynomials: 2 * 64 bits, and 10 for 607 terms.
_SLOT_BYTES = 18


def seeded_digits(seed: int, below: int, count: int) -> list[int]:
    """Give numbers below a bound (``rand.New(rand.NewSource(seed)).Intn(below)``, so many times).

    Args:
        seed: A signed integer of 64 bits.
        below: The bound; at most 2**31 - 1 and no power of two.
        count: How many.
    """
    limit = 2**31 - 1 - 2**31 % below
    accepted = (word >> 32 for word in _words(seed) if word >> 32 <= limit)
    return [value % below for value in islice(accepted, count)]


def _words(seed: int) -> Iterator[int]:
    """Give the generator's words of 63 bits."""
    state = [word ^ cooked for word, cooked in zip(_seeded(_reduced(seed), 40, 20), _cooked(), strict=True)]
    tap, feed = 0, _FEED
    while True:
        tap, feed = (tap - 1) % _LENGTH, (feed - 1) % _LENGTH
        state[feed] = (state[feed] + state[tap]) & _MASK
        yield state[feed] & (_MASK >> 1)


def _reduced(seed: int) -> int:
    # Python's % is never negative, and Go's sum with the modulus is the same.
    return seed % _MODULUS or _ZERO_SEED


def _seeded(value: int, first_shift: int, second_shift: int) -> list[int]:
    """Fill a state from a seed of 31 bits by the generator of Park and Miller."""
    words: list[int] = []
    for index in range(-_WARM_UP, _LENGTH):
        value = value * _MULTIPLIER % _MODULUS
        if index >= 0:
            word = value << first_shift
            value = value * _MULTIPLIER % _MODULUS
            word ^= value << second_shift
            value = value * _MULTIPLIER % _MODULUS
            words.append((word ^ value) & _MASK)
    return words


@cache
def _cooked() -> tuple[int, ...]:
    """Give the state after all these steps from seed 1, in the order of Go's table."""
    start = _seeded(1, 20, 10)
    # The word at index i of the state is the one that the sequence has at (FEED - 1 - i) modulo LENGTH.
    sequence = [start[(_FEED - 1 - index) % _LENGTH] for index in range(_LENGTH)]
    for index in range(_LENGTH, 2 * _LENGTH):
        sequence.append((sequence[index - _LENGTH] + sequence[index - _TAP]) & _MASK)
    coefficients = _power_of_x(_STEPS)
    later = [
        sum(factor * word for factor, word in zip(coefficients, sequence[index:], strict=False)) & _MASK
        for index in range(_LENGTH)
    ]
    return tuple(later[(_FEED - 1 - index - _STEPS) % _LENGTH] for index in range(_LENGTH))


def _power_of_x(exponent: int) -> list[int]:
    """Give the coefficients of x**exponent modulo x**607 - x**334 - 1, lowest first, modulo 2**64."""
    result = [1] + [0] * (_LENGTH - 1)
    for bit in f"{exponent:b}":
        result = _reduce(_square(result))
        if bit == "1":
            result = _reduce([0, *result])
    return result


def _square(coefficients: list[int]) -> list[int]:
    """Square a polynomial by squaring one large number that holds its coefficients (Kronecker's substitution)."""
    packed = int.from_bytes(b"".join(each.to_bytes(_SLOT_BYTES, "little") for each in coefficients), "little")
    product = (packed * packed).to_bytes(_SLOT_BYTES * 2 * len(coefficients), "little")
    slots = range(0, _SLOT_BYTES * (2 * len(coefficients) - 1), _SLOT_BYTES)
    return [int.from_bytes(product[slot : slot + _SLOT_BYTES], "little") & _MASK for slot in slots]


def _reduce(coefficients: list[int]) -> list[int]:
    for index in range(len(coefficients) - 1, _LENGTH - 1, -1):
        factor = coefficients[index]
        coefficients[index - _LENGTH] = (coefficients[index - _LENGTH] + factor) & _MASK
        coefficients[index - _TAP] = (coefficients[index - _TAP] + factor) & _MASK
    return (coefficients + [0] * _LENGTH)[:_LENGTH]
