"""Both calculators on threads.

grpcio handles a ValueError, so the status message is that of the tutorial's server. A wait also
ends with the call: a thread that slept after its client has gone would not be available for the
next call.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NoReturn

import grpc

import calculator_pb2_grpc
import streaming_calculator_pb2_grpc
from interop.service import arithmetic
from interop.service.invalid_argument import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calculator_pb2 import Number
    from streaming_calculator_pb2 import ExchangeRequest, Payload, RepeatedRootsRequest


class CalculatorServicer(calculator_pb2_grpc.CalculatorServicer):
    """Behaves like the tutorial's servicer, including the errors that grpcio handles."""

    def SquareRoot(
        self,
        request: Number,
        context: grpc.ServicerContext,  # noqa: ARG002 - grpcio passes it by position
    ) -> Number:
        """Return the square root of the request's value."""
        return arithmetic.square_root(request)


class StreamingCalculatorServicer(streaming_calculator_pb2_grpc.StreamingCalculatorServicer):
    """Implements streaming_calculator.proto."""

    def RepeatedRoots(
        self, request: RepeatedRootsRequest, context: grpc.ServicerContext
    ) -> Iterator[Number]:
        """Yield root after root, at the requested interval."""
        is_over = threading.Event()
        if not context.add_callback(is_over.set):
            return
        interval = arithmetic.interval(request)
        try:
            for index, root in enumerate(arithmetic.repeated_roots(request)):
                if index and is_over.wait(interval):
                    return
                yield root
        except InvalidArgumentError as error:
            _end(context, error)

    def RootMeanSquare(
        self, request_iterator: Iterator[Number], context: grpc.ServicerContext
    ) -> Number:
        """Return the root mean square of all requests."""
        mean = arithmetic.RootMeanSquare()
        for request in request_iterator:
            mean.add(request)
        try:
            return mean.result()
        except InvalidArgumentError as error:
            _end(context, error)

    def RootOfEach(
        self,
        request_iterator: Iterator[Number],
        context: grpc.ServicerContext,  # noqa: ARG002 - grpcio passes it by position
    ) -> Iterator[Number]:
        """Yield the root of each request."""
        return map(arithmetic.square_root, request_iterator)

    def Exchange(self, request: ExchangeRequest, context: grpc.ServicerContext) -> Payload:
        """Return a payload of the requested size."""
        try:
            return arithmetic.exchange(request)
        except InvalidArgumentError as error:
            _end(context, error)


def _end(context: grpc.ServicerContext, error: InvalidArgumentError) -> NoReturn:
    # Not abort_with_status, which drops the trailing metadata that has been set before.
    context.set_trailing_metadata(
        (*(context.trailing_metadata() or ()), *error.trailing_metadata())
    )
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
