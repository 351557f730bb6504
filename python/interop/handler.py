"""Wraps the behaviour of a method's handler, whatever the kind of RPC.

grpcio has four kinds of handlers, the same ones for threads and for asyncio. The behaviour is the
function that runs the method. On asyncio, a method with a response stream has one of two forms.
"""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable

    from interop.grpc_types import AioContext

    Handler: TypeAlias = grpc.RpcMethodHandler[Any, Any]
    # Not narrower: its arguments and result depend on the kind of RPC and on the API.
    Behaviour: TypeAlias = Callable[..., Any]
    Wrap: TypeAlias = Callable[[Behaviour], Behaviour]
    Deserialize: TypeAlias = Callable[[bytes], Any]


# (request_streaming, response_streaming): the attribute of a handler, and its constructor.
_KINDS = {
    (False, False): ("unary_unary", grpc.unary_unary_rpc_method_handler),
    (False, True): ("unary_stream", grpc.unary_stream_rpc_method_handler),
    (True, False): ("stream_unary", grpc.stream_unary_rpc_method_handler),
    (True, True): ("stream_stream", grpc.stream_stream_rpc_method_handler),
}


def with_behaviour(
    handler: Handler,
    one_response: Wrap,
    many_responses: Wrap,
    *,
    deserialize: Deserialize | None = None,
    takes_stream: bool = False,
) -> Handler:
    """Return a handler whose behaviour is wrapped by the function for its kind of response.

    `deserialize` replaces its request deserializer. With `takes_stream` it receives its single
    request as a stream, so it begins before the request has arrived.
    """
    name, _ = _KINDS[handler.request_streaming, handler.response_streaming]
    streams = (handler.request_streaming or takes_stream, handler.response_streaming)
    _, make = _KINDS[streams]
    wrap = many_responses if handler.response_streaming else one_response
    return make(
        wrap(getattr(handler, name)),
        deserialize or handler.request_deserializer,
        handler.response_serializer,
    )


async def write_all(behaviour: Behaviour, request: object, context: AioContext) -> None:
    """Run a method with a response stream, which either yields its responses or writes them."""
    if inspect.iscoroutinefunction(behaviour):
        await behaviour(request, context)
        return
    async with contextlib.aclosing(behaviour(request, context)) as responses:
        async for response in responses:
            await context.write(response)
