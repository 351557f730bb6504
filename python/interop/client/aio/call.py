"""Makes one call on asyncio, and returns its outcome.

A call whose arguments grpcio rejects never has a status. The rejection is raised where the response
is awaited, so the response is awaited before the status.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from grpc_status import rpc_status

from calculator_pb2 import Number
from interop import number
from interop.client import outcome
from interop.client.aio.scripted import RejectedError, ScriptedCall, response_of
from interop.client.kind import Kind, multicallable
from interop.client.script import Script

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine

    import grpc

    from interop.client.outcome import Outcome
    from interop.client.scenario import Call


# The status message of a call for which grpcio could not send a message.
_NOT_SENT = "Internal error from Core"
_STATUS_POLLS, _STATUS_POLL_SECONDS = 1000, 0.001


def start(call: Call, channel: grpc.aio.Channel) -> Awaitable[Outcome]:
    """Start a call; the returned awaitable waits for its end and returns the outcome."""
    started = time.monotonic()
    ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def end(rpc: Any) -> None:  # noqa: ANN401 - one of four classes of call
        # asyncio only logs an exception of a callback, and `ended` would never be set.
        try:
            ended.set_result(_without_suspending(_end_of(rpc, started)))
        except Exception as error:  # noqa: BLE001 - raised where `ended` is awaited
            ended.set_exception(error)

    async def finish() -> Outcome:
        try:
            responses = await scripted.responses() if scripted is not None else None
            response = await response_of(rpc) if scripted is None else None
        except RejectedError as error:
            return outcome.rejected(error, started)
        result = await ended
        if result["message"] == _NOT_SENT:
            result = await _later_end(rpc, result, started)
        if responses is not None:
            result["replies"] = responses
        elif response is not None:
            result["value"] = number.to_bits(response).hex()
        return result

    scripted: ScriptedCall | None = None
    try:
        if isinstance(call.request, Script):
            scripted = ScriptedCall(call, call.request, channel)
            rpc = scripted.rpc
        else:
            is_stub = isinstance(call.request, Number)
            invoke = multicallable(
                channel, call.method, Kind.UNARY, is_stub=is_stub, deserialize=Number.FromString
            )
            rpc = invoke(call.request, **call.options())
    except Exception as error:  # noqa: BLE001 - any exception that grpcio raises is the outcome
        return asyncio.sleep(0, outcome.rejected(error, started))
    rpc.add_done_callback(end)
    return asyncio.ensure_future(finish())


async def _end_of(rpc: Any, started: float) -> Outcome:  # noqa: ANN401 - as above
    try:
        code, message = await rpc.code(), await rpc.details()
        completed = time.monotonic()
        initial, trailing = await rpc.initial_metadata(), await rpc.trailing_metadata()
    except Exception as error:  # noqa: BLE001 - for example an unknown status code
        return outcome.rejected(error, started)
    result = outcome.without_response(code.name, message or "", started, completed)
    result["initial_metadata"] = outcome.metadata_as_text(initial)
    result["trailing_metadata"] = outcome.metadata_as_text(trailing)
    result.update(await _details(rpc))
    return result


def _without_suspending(end: Coroutine[Any, Any, Outcome]) -> Outcome:
    # In a call that has ended, nothing remains to be awaited. If the event loop ran first, grpcio
    # could fail to send a message and replace the status that the server sent.
    try:
        end.send(None)
    except StopIteration as stop:
        result: Outcome = stop.value
        return result
    raise RuntimeError("grpcio suspends a coroutine of a call that has ended")


async def _later_end(rpc: Any, result: Outcome, started: float) -> Outcome:  # noqa: ANN401 - as above
    # grpcio failed to send a message before the status arrived, which follows the last response.
    for _ in range(_STATUS_POLLS):
        if await rpc.details() != _NOT_SENT:
            return {**await _end_of(rpc, started), "elapsed_ms": result["elapsed_ms"]}
        await asyncio.sleep(_STATUS_POLL_SECONDS)
    return result


async def _details(rpc: Any) -> Outcome:  # noqa: ANN401 - one of four classes of call
    try:
        status = await rpc_status.aio.from_call(rpc)
        return {} if status is None else {"details": outcome.details(status)}
    except outcome.UNREADABLE:
        return {}
