"""Makes one call on threads, and returns its outcome.

Starting and waiting are separate steps, so that the agent starts all calls of a scenario before it
waits for the first one.
"""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING

import grpc
from grpc_status import rpc_status

from calculator_pb2 import Number
from interop import number
from interop.client import outcome
from interop.client.kind import Kind, multicallable
from interop.client.script import Script
from interop.client.threads.scripted import ScriptedCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from interop.client.outcome import Outcome
    from interop.client.scenario import Call


def start(call: Call, channel: grpc.Channel) -> Callable[[], Outcome]:
    """Start a call; the returned function waits for its end and returns the outcome."""
    started = time.monotonic()
    # A queue and not a variable: grpcio wakes waiting threads before it runs the callback.
    completed: queue.SimpleQueue[float] = queue.SimpleQueue()
    scripted: ScriptedCall | None = None
    try:
        if isinstance(call.request, Script):
            scripted = ScriptedCall(call, call.request, channel)
            future = scripted.rpc
        else:
            is_stub = isinstance(call.request, Number)
            invoke = multicallable(
                channel, call.method, Kind.UNARY, is_stub=is_stub, deserialize=Number.FromString
            )
            future = invoke.future(call.request, **call.options())
    except Exception as error:  # noqa: BLE001 - any exception that grpcio raises is the outcome
        rejected = outcome.rejected(error, started)
        return lambda: rejected
    future.add_done_callback(lambda _: completed.put(time.monotonic()))

    def finish() -> Outcome:
        responses = scripted.responses() if scripted is not None else None
        result = outcome.without_response(
            future.code().name, future.details() or "", started, completed.get()
        )
        if responses is not None:
            result["replies"] = responses
        # If the status is OK but there was no message, the result is None (grpcio 1.85.1).
        elif future.code() is grpc.StatusCode.OK and future.result() is not None:
            result["value"] = number.to_bits(future.result()).hex()
        result["initial_metadata"] = outcome.metadata_as_text(future.initial_metadata())
        result["trailing_metadata"] = outcome.metadata_as_text(future.trailing_metadata())
        result.update(_details(future))
        return result

    return finish


def _details(future: grpc.Call) -> Outcome:
    try:
        status = rpc_status.from_call(future)
        return {} if status is None else {"details": outcome.details(status)}
    except outcome.UNREADABLE:
        return {}
