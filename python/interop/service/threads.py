"""Both calculators on grpcio's threads.

A ValueError is left to grpcio, which ends the call in the words that the document's server has.
Waits are for the end of the call and not for time alone: a thread that slept on after its client
had gone would be missing for the next call.
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
    """Answers as the document's servicer does, errors that it leaves to grpcio included."""

    def SquareRoot(
        self,
        request: Number,
        context: grpc.ServicerContext,  # noqa: ARG002 - grpcio passes it by position
    ) -> Number:
        """Answer the square root of the request's value."""
        return arithmetic.square_root(request)


class StreamingCalculatorServicer(streaming_calculator_pb2_grpc.StreamingCalculatorServicer):
    """Answers what streaming_calculator.proto says."""

    def RepeatedRoots(
        self, request: RepeatedRootsRequest, context: grpc.ServicerContext
    ) -> Iterator[Number]:
        """Answer root after root, with the interval between them."""
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
        """Answer the root mean square of all requests."""
        mean = arithmetic.RootMeanSquare()
        for request in request_iterator:
            mean.add(request)
        try:
            return mean.answer()
        except InvalidArgumentError as error:
            _end(context, error)

    def RootOfEach(
        self,
        request_iterator: Iterator[Number],
        context: grpc.ServicerContext,  # noqa: ARG002 - grpcio passes it by position
    ) -> Iterator[Number]:
        """Answer the root of each request."""
        return map(arithmetic.square_root, request_iterator)

    def Exchange(self, request: ExchangeRequest, context: grpc.ServicerContext) -> Payload:
        """Answer a payload of the size that is asked for."""
        try:
            return arithmetic.exchange(request)
        except InvalidArgumentError as error:
            _end(context, error)


def _end(context: grpc.ServicerContext, error: InvalidArgumentError) -> NoReturn:
    # Not abort_with_status, which throws away the trailing metadata that is there already.
    context.set_trailing_metadata(
        (*(context.trailing_metadata() or ()), *error.trailing_metadata())
    )
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
