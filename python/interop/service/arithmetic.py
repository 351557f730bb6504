"""The arithmetic of both calculators, without any gRPC API: the same for every server.

Everything is a function of messages or a generator, because a stream of ten million answers must
not be computed before the first of them is sent. A root that does not exist is Python's own
ValueError: its words are what clients of the document's server see.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import calculator
from calculator_pb2 import Number
from interop import number
from interop.service.invalid_argument import InvalidArgumentError
from streaming_calculator_pb2 import ExchangeRequest, Payload, RepeatedRootsRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_ANSWERS = 10_000_000
_LARGEST_RESPONSE = 16_777_216
# In the second byte of a float32, the highest first.
_QUIET = 0x40


def square_root(request: Number) -> Number:
    """Compute the root of the number."""
    return Number(value=calculator.square_root(request.value))


def repeated_roots(request: RepeatedRootsRequest) -> Iterator[Number]:
    """Check the request, then compute the root of its start, the root of that root, and so on."""
    _check("count", request.count, _MOST_ANSWERS)
    _check("interval_ms", request.interval_ms)
    root = request.start
    for _ in range(request.count):
        # By way of a message: what follows is the root of the float that the client sees.
        root = square_root(root)
        yield root


def interval(request: RepeatedRootsRequest) -> float:
    """Tell the seconds from one answer to the next."""
    return request.interval_ms / 1000


def exchange(request: ExchangeRequest) -> Payload:
    """Make a payload of the size that is asked for."""
    _check("response_size", request.response_size, _LARGEST_RESPONSE)
    return Payload(payload=bytes(request.response_size))


class RootMeanSquare:
    """The root mean square of the numbers that were added, in their order."""

    def __init__(self) -> None:
        self._count = 0
        self._sum_of_squares = 0.0
        self._not_a_number: Number | None = None

    def add(self, each: Number) -> None:
        """Take one more number into the mean."""
        self._count += 1
        self._sum_of_squares += each.value * each.value
        if math.isnan(each.value) and self._not_a_number is None:
            self._not_a_number = _quiet(each)

    def answer(self) -> Number:
        """Compute the answer for all that were added."""
        if not self._count:
            raise InvalidArgumentError("the stream has no number")
        if self._not_a_number is not None:
            return self._not_a_number
        return Number(value=calculator.square_root(self._sum_of_squares / self._count))


def _quiet(not_a_number: Number) -> Number:
    # On the bits: which NaN an operation on a NaN has as its result, is up to the processor.
    bits = bytearray(number.to_bits(not_a_number))
    bits[1] |= _QUIET
    return number.from_bits(bytes(bits))


def _check(field: str, value: int, most: int | None = None) -> None:
    if value < 0:
        raise InvalidArgumentError(f"is negative: {value}", field)
    if most is not None and value > most:
        raise InvalidArgumentError(f"is more than {most}: {value}", field)
