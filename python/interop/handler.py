"""Puts other behaviour into a method's handler, whatever the kind of the method.

grpcio has four kinds of handlers, and the same ones for threads and for asyncio. What is
put in runs what it replaces, for which asyncio has two ways where a method has many answers.
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
    # Not narrower: what it takes and answers depends on the kind of the method and on the API.
    Behaviour: TypeAlias = Callable[..., Any]
    Change: TypeAlias = Callable[[Behaviour], Behaviour]
    Read: TypeAlias = Callable[[bytes], Any]


# (request_streaming, response_streaming): the name in a handler, and what makes such a handler.
_KINDS = {
    (False, False): ("unary_unary", grpc.unary_unary_rpc_method_handler),
    (False, True): ("unary_stream", grpc.unary_stream_rpc_method_handler),
    (True, False): ("stream_unary", grpc.stream_unary_rpc_method_handler),
    (True, True): ("stream_stream", grpc.stream_stream_rpc_method_handler),
}


def with_behaviour(
    handler: Handler,
    one_answer: Change,
    many_answers: Change,
    *,
    read: Read | None = None,
    takes_stream: bool = False,
) -> Handler:
    """Make the handler that behaves as the change that fits its kind of answer says.

    `read` is how it reads a request, if not as before; with `takes_stream` it gets its one request
    as a stream, and so begins before the request has come.
    """
    name, _ = _KINDS[handler.request_streaming, handler.response_streaming]
    streams = (handler.request_streaming or takes_stream, handler.response_streaming)
    _, make = _KINDS[streams]
    change = many_answers if handler.response_streaming else one_answer
    return make(
        change(getattr(handler, name)),
        read or handler.request_deserializer,
        handler.response_serializer,
    )


async def write_all(behaviour: Behaviour, request: object, context: AioContext) -> None:
    """Run a method of many answers, which may yield them or, as health checking's, write them."""
    if inspect.iscoroutinefunction(behaviour):
        await behaviour(request, context)
        return
    async with contextlib.aclosing(behaviour(request, context)) as answers:
        async for answer in answers:
            await context.write(answer)
