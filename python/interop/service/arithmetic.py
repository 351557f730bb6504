"""The arithmetic of both calculators, independent of the gRPC API.

Streams are generators, because ten million responses must not be computed before the first one is
sent. The root of a negative number raises Python's ValueError, whose text is the status message of
the tutorial's server.
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

_MAX_COUNT = 10_000_000
_MAX_RESPONSE_SIZE = 16_777_216
# The quiet bit of a NaN, in the second byte of a big-endian float32.
_QUIET = 0x40


def square_root(request: Number) -> Number:
    """Return the root of the number."""
    return Number(value=calculator.square_root(request.value))


def repeated_roots(request: RepeatedRootsRequest) -> Iterator[Number]:
    """Validate the request, then yield the root of its start, the root of that root, and so on."""
    _check("count", request.count, _MAX_COUNT)
    _check("interval_ms", request.interval_ms)
    root = request.start
    for _ in range(request.count):
        # The message rounds to float32: each root is that of the number that the client receives.
        root = square_root(root)
        yield root


def interval(request: RepeatedRootsRequest) -> float:
    """Return the seconds between two responses."""
    return request.interval_ms / 1000


def exchange(request: ExchangeRequest) -> Payload:
    """Return a payload of the requested size."""
    _check("response_size", request.response_size, _MAX_RESPONSE_SIZE)
    return Payload(payload=bytes(request.response_size))


class RootMeanSquare:
    """Computes a root mean square; the numbers are added in their order."""

    def __init__(self) -> None:
        self._count = 0
        self._sum_of_squares = 0.0
        self._not_a_number: Number | None = None

    def add(self, each: Number) -> None:
        """Add a number."""
        self._count += 1
        self._sum_of_squares += each.value * each.value
        if math.isnan(each.value) and self._not_a_number is None:
            self._not_a_number = _quiet(each)

    def result(self) -> Number:
        """Return the root mean square of all numbers."""
        if not self._count:
            raise InvalidArgumentError("the stream has no number")
        if self._not_a_number is not None:
            return self._not_a_number
        return Number(value=calculator.square_root(self._sum_of_squares / self._count))


def _quiet(not_a_number: Number) -> Number:
    # On the bits, because the NaN that an arithmetic operation returns depends on the processor.
    bits = bytearray(number.to_bits(not_a_number))
    bits[1] |= _QUIET
    return number.from_bits(bytes(bits))


def _check(field: str, value: int, maximum: int | None = None) -> None:
    if value < 0:
        raise InvalidArgumentError(f"is negative: {value}", field)
    if maximum is not None and value > maximum:
        raise InvalidArgumentError(f"is more than {maximum}: {value}", field)
