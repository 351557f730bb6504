"""Both calculators on asyncio.

For an exception of the application, grpcio has another status message here than on threads
(`Unexpected <class …>`). A client must not notice a difference between the two servers, so such
calls end with the message of the server on threads.
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

_ONE_RESPONSE, _MANY_RESPONSES = "calling application", "iterating responses"


class CalculatorServicer(calculator_pb2_grpc.CalculatorServicer):
    """Behaves like the tutorial's servicer, with the error messages of grpcio on threads."""

    async def SquareRoot(self, request: Number, context: AioContext) -> Number:
        """Return the square root of the request's value."""
        async with _abort_on_error(context, _ONE_RESPONSE):
            return arithmetic.square_root(request)


class StreamingCalculatorServicer(streaming_calculator_pb2_grpc.StreamingCalculatorServicer):
    """Implements streaming_calculator.proto."""

    async def RepeatedRoots(
        self, request: RepeatedRootsRequest, context: AioContext
    ) -> AsyncIterator[Number]:
        """Yield root after root, at the requested interval."""
        interval = arithmetic.interval(request)
        async with _abort_on_error(context, _MANY_RESPONSES):
            for index, root in enumerate(arithmetic.repeated_roots(request)):
                if index and interval:
                    await asyncio.sleep(interval)
                yield root

    async def RootMeanSquare(
        self, request_iterator: AsyncIterator[Number], context: AioContext
    ) -> Number:
        """Return the root mean square of all requests."""
        mean = arithmetic.RootMeanSquare()
        async with _abort_on_error(context, _ONE_RESPONSE):
            async for request in request_iterator:
                mean.add(request)
            return mean.result()

    async def RootOfEach(
        self, request_iterator: AsyncIterator[Number], context: AioContext
    ) -> AsyncIterator[Number]:
        """Yield the root of each request."""
        async with _abort_on_error(context, _MANY_RESPONSES):
            async for request in request_iterator:
                yield arithmetic.square_root(request)

    async def Exchange(self, request: ExchangeRequest, context: AioContext) -> Payload:
        """Return a payload of the requested size."""
        async with _abort_on_error(context, _ONE_RESPONSE):
            return arithmetic.exchange(request)


@contextlib.asynccontextmanager
async def _abort_on_error(context: AioContext, doing: str) -> AsyncIterator[None]:
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
