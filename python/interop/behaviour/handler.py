"""Puts other behaviour into a method's handler, whatever the kind of the method.

grpcio has four kinds of handlers, and the same ones for threads and for asyncio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler: TypeAlias = grpc.RpcMethodHandler[Any, Any]
    # What answers a request, or a stream of them, with an answer, or a stream of them.
    Behaviour: TypeAlias = Callable[..., Any]
    Change: TypeAlias = Callable[[Behaviour], Behaviour]
    Read: TypeAlias = Callable[[bytes], Any]


def with_behaviour(
    handler: Handler, one_answer: Change, many_answers: Change, read: Read | None = None
) -> Handler:
    """Make the handler that behaves as the change that fits its kind of answer says.

    `read` is how it reads a request, if not as before.
    """
    streams = (handler.request_streaming, handler.response_streaming)
    make: Callable[..., Handler]
    behaviour: Behaviour | None
    if streams == (True, True):
        make, behaviour = grpc.stream_stream_rpc_method_handler, handler.stream_stream
    elif streams == (True, False):
        make, behaviour = grpc.stream_unary_rpc_method_handler, handler.stream_unary
    elif streams == (False, True):
        make, behaviour = grpc.unary_stream_rpc_method_handler, handler.unary_stream
    else:
        make, behaviour = grpc.unary_unary_rpc_method_handler, handler.unary_unary
    if behaviour is None:
        raise TypeError("a handler without the behaviour of its kind")
    change = many_answers if handler.response_streaming else one_answer
    return make(
        change(behaviour), read or handler.request_deserializer, handler.response_serializer
    )
