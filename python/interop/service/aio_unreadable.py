"""Ends calls whose requests are no protobuf as grpcio does on threads, for asyncio.

There grpcio would say UNKNOWN and name Python's exception. Reading is part of grpcio and not of a
method, so a request that cannot be read is handed on, and ends the call where it arrives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError

from interop.handler import with_behaviour, write_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from interop.grpc_types import AioContext
    from interop.handler import Behaviour, Handler, Read

_UNREADABLE = object()


class UnreadableRequests(grpc.aio.ServerInterceptor):
    """Has every method's requests read so."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Put the reading, and the end of what could not be read, around the method."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        is_stream = handler.request_streaming

        async def readable(request: Any, context: AioContext) -> Any:  # noqa: ANN401
            return _readable(request, context) if is_stream else await _checked(request, context)

        def one_answer(behaviour: Behaviour) -> Behaviour:
            async def answer(request: Any, context: AioContext) -> Any:  # noqa: ANN401
                return await behaviour(await readable(request, context), context)

            return answer

        def many_answers(behaviour: Behaviour) -> Behaviour:
            async def answer(request: Any, context: AioContext) -> None:  # noqa: ANN401
                await write_all(behaviour, await readable(request, context), context)

            return answer

        read = handler.request_deserializer
        if read is None:
            return handler
        return with_behaviour(handler, one_answer, many_answers, read=_handing_on(read))


def _handing_on(read: Read) -> Read:
    def read_or_hand_on(wire: bytes) -> Any:  # noqa: ANN401
        try:
            return read(wire)
        except DecodeError:
            return _UNREADABLE

    return read_or_hand_on


async def _readable(requests: AsyncIterator[Any], context: AioContext) -> AsyncIterator[Any]:
    async for request in requests:
        yield await _checked(request, context)


async def _checked(request: Any, context: AioContext) -> Any:  # noqa: ANN401
    if request is _UNREADABLE:
        await context.abort(grpc.StatusCode.INTERNAL, "Exception deserializing request!")
    return request
