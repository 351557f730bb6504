"""Both calculators on asyncio.

grpcio words an error of the application differently here than on threads (`Unexpected <class …>`).
Clients must not be able to tell which of the two serves them, so such calls are ended in the words
of the other.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import grpc

import calculator_pb2_grpc
import streaming_calculator_pb2_grpc
from interop.service import arithmetic
from interop.service.invalid_argument import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from calculator_pb2 import Number
    from interop.grpc_types import AioContext
    from streaming_calculator_pb2 import ExchangeRequest, Payload, RepeatedRootsRequest

_ONE_ANSWER, _MANY_ANSWERS = "calling application", "iterating responses"


class CalculatorServicer(calculator_pb2_grpc.CalculatorServicer):
    """Answers as the document's servicer does, in the words of grpcio's threads where it fails."""

    async def SquareRoot(self, request: Number, context: AioContext) -> Number:
        """Answer the square root of the request's value."""
        async with _errors_ending(context, _ONE_ANSWER):
            return arithmetic.square_root(request)


class StreamingCalculatorServicer(streaming_calculator_pb2_grpc.StreamingCalculatorServicer):
    """Answers what streaming_calculator.proto says."""

    async def RepeatedRoots(
        self, request: RepeatedRootsRequest, context: AioContext
    ) -> AsyncIterator[Number]:
        """Answer root after root, with the interval between them."""
        interval = arithmetic.interval(request)
        async with _errors_ending(context, _MANY_ANSWERS):
            for index, root in enumerate(arithmetic.repeated_roots(request)):
                if index and interval:
                    await asyncio.sleep(interval)
                yield root

    async def RootMeanSquare(
        self, request_iterator: AsyncIterator[Number], context: AioContext
    ) -> Number:
        """Answer the root mean square of all requests."""
        mean = arithmetic.RootMeanSquare()
        async with _errors_ending(context, _ONE_ANSWER):
            async for request in request_iterator:
                mean.add(request)
            return mean.answer()

    async def RootOfEach(
        self, request_iterator: AsyncIterator[Number], context: AioContext
    ) -> AsyncIterator[Number]:
        """Answer the root of each request."""
        async with _errors_ending(context, _MANY_ANSWERS):
            async for request in request_iterator:
                yield arithmetic.square_root(request)

    async def Exchange(self, request: ExchangeRequest, context: AioContext) -> Payload:
        """Answer a payload of the size that is asked for."""
        async with _errors_ending(context, _ONE_ANSWER):
            return arithmetic.exchange(request)


@contextlib.asynccontextmanager
async def _errors_ending(context: AioContext, doing: str) -> AsyncIterator[None]:
    try:
        yield
    except InvalidArgumentError as error:
        await context.abort(
            grpc.StatusCode.INVALID_ARGUMENT,
            str(error),
            (*context.trailing_metadata(), *error.trailing_metadata()),
        )
    except ValueError as error:
        await context.abort(grpc.StatusCode.UNKNOWN, f"Exception {doing}: {error}")
