"""Ends calls on asyncio whose request cannot be parsed as grpcio does on threads.

On asyncio, grpcio responds with UNKNOWN and the name of Python's exception. grpcio parses requests
outside the method, where a call cannot be aborted, so a marker takes the place of the request, and
the call is aborted when the method would receive it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError

from interop.handler import with_behaviour, write_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from interop.grpc_types import AioContext
    from interop.handler import Behaviour, Deserialize, Handler

_UNPARSED = object()


class ParseErrors(grpc.aio.ServerInterceptor):
    """Ends a call with INTERNAL if a request cannot be parsed, in every method."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Wrap the request deserializer and the behaviour of the method."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        is_stream = handler.request_streaming

        async def checked(request: Any, context: AioContext) -> Any:  # noqa: ANN401
            return _all_checked(request, context) if is_stream else await _checked(request, context)

        def one_response(behaviour: Behaviour) -> Behaviour:
            async def respond(request: Any, context: AioContext) -> Any:  # noqa: ANN401
                return await behaviour(await checked(request, context), context)

            return respond

        def many_responses(behaviour: Behaviour) -> Behaviour:
            async def respond(request: Any, context: AioContext) -> None:  # noqa: ANN401
                await write_all(behaviour, await checked(request, context), context)

            return respond

        deserialize = handler.request_deserializer
        if deserialize is None:
            return handler
        return with_behaviour(
            handler, one_response, many_responses, deserialize=_with_marker(deserialize)
        )


def _with_marker(deserialize: Deserialize) -> Deserialize:
    def deserialize_or_mark(wire: bytes) -> Any:  # noqa: ANN401
        try:
            return deserialize(wire)
        except DecodeError:
            return _UNPARSED

    return deserialize_or_mark


async def _all_checked(requests: AsyncIterator[Any], context: AioContext) -> AsyncIterator[Any]:
    async for request in requests:
        yield await _checked(request, context)


async def _checked(request: Any, context: AioContext) -> Any:  # noqa: ANN401
    if request is _UNPARSED:
        await context.abort(grpc.StatusCode.INTERNAL, "Exception deserializing request!")
    return request
