"""Makes one call and tells its outcome as plain data, ready for JSON.

Starting and waiting are two steps, so that all calls of a scenario are on their way before the
agent waits for the first.
"""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc

from calculator_pb2 import Number
from calculator_pb2_grpc import CalculatorStub
from interop import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from interop.scenario import Call

Outcome: TypeAlias = "dict[str, Any]"


def start(call: Call, channel: grpc.Channel) -> Callable[[], Outcome]:
    """Start a call; what is returned waits for its end and tells the outcome."""
    started = time.monotonic()
    # A queue rather than a variable: grpcio lets waiters go before it runs the callback.
    completed: queue.SimpleQueue[float] = queue.SimpleQueue()
    try:
        future = _method(call, channel).future(
            call.request, timeout=call.timeout, metadata=call.metadata
        )
    except Exception as error:  # noqa: BLE001 - whatever a Python user would get is the outcome
        refused = _outcome("CLIENT_ERROR", str(error), started, time.monotonic())
        return lambda: refused
    future.add_done_callback(lambda _: completed.put(time.monotonic()))

    def finish() -> Outcome:
        outcome = _outcome(future.code().name, future.details() or "", started, completed.get())
        # An OK without a message has no result (grpcio 1.85.1).
        if future.code() is grpc.StatusCode.OK and future.result() is not None:
            outcome["value"] = number.to_bits(future.result()).hex()
        outcome["initial_metadata"] = _readable(future.initial_metadata())
        outcome["trailing_metadata"] = _readable(future.trailing_metadata())
        return outcome

    return finish


def _method(call: Call, channel: grpc.Channel) -> grpc.UnaryUnaryMultiCallable[Any, Number]:
    if isinstance(call.request, Number):
        square_root: grpc.UnaryUnaryMultiCallable[Number, Number]
        square_root = CalculatorStub(channel).SquareRoot
        return square_root
    return channel.unary_unary(
        call.method,
        request_serializer=bytes,
        response_deserializer=Number.FromString,
    )


def _outcome(status: str, message: str, started: float, completed: float) -> Outcome:
    return {
        "status": status,
        "message": message,
        "value": None,
        "initial_metadata": [],
        "trailing_metadata": [],
        "elapsed_ms": round((completed - started) * 1000, 3),
    }


def _readable(metadata: Iterable[tuple[str, str | bytes]] | None) -> list[tuple[str, str]]:
    return [
        (key, value.hex() if isinstance(value, bytes) else value) for key, value in metadata or ()
    ]
