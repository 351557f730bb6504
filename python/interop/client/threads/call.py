"""Makes one call on grpcio's threads and tells its outcome.

Starting and waiting are two steps, so that all calls of a scenario are on their way before the
agent waits for the first.
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
    """Start a call; what is returned waits for its end and tells the outcome."""
    started = time.monotonic()
    # A queue rather than a variable: grpcio lets waiters go before it runs the callback.
    completed: queue.SimpleQueue[float] = queue.SimpleQueue()
    scripted: ScriptedCall | None = None
    try:
        if isinstance(call.request, Script):
            scripted = ScriptedCall(call, call.request, channel)
            future = scripted.rpc
        else:
            is_stub = isinstance(call.request, Number)
            invoke = multicallable(
                channel, call.method, Kind.UNARY, is_stub=is_stub, read=Number.FromString
            )
            future = invoke.future(call.request, **call.options())
    except Exception as error:  # noqa: BLE001 - whatever a Python user would get is the outcome
        refused = outcome.refused(error, started)
        return lambda: refused
    future.add_done_callback(lambda _: completed.put(time.monotonic()))

    def finish() -> Outcome:
        replies = scripted.replies() if scripted is not None else None
        told = outcome.begun(future.code().name, future.details() or "", started, completed.get())
        if replies is not None:
            told["replies"] = replies
        # An OK without a message has no result (grpcio 1.85.1).
        elif future.code() is grpc.StatusCode.OK and future.result() is not None:
            told["value"] = number.to_bits(future.result()).hex()
        told["initial_metadata"] = outcome.readable(future.initial_metadata())
        told["trailing_metadata"] = outcome.readable(future.trailing_metadata())
        told.update(_details(future))
        return told

    return finish


def _details(future: grpc.Call) -> Outcome:
    try:
        status = rpc_status.from_call(future)
        return {} if status is None else {"details": outcome.details(status)}
    except outcome.UNREADABLE:
        return {}
