"""Makes one call on asyncio and tells its outcome.

A call whose arguments grpcio refuses never gets a status, so the reply is waited for first: that is
where the refusal comes to light.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from grpc_status import rpc_status

from calculator_pb2 import Number
from interop import number
from interop.client import outcome
from interop.client.aio.scripted import RefusedError, ScriptedCall, reply_of
from interop.client.kind import Kind, multicallable
from interop.client.script import Script

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine

    import grpc

    from interop.client.outcome import Outcome
    from interop.client.scenario import Call


# What grpcio makes the status of a call when it could not send a message.
_NOT_SENT = "Internal error from Core"
_STATUS_POLLS, _STATUS_POLL_SECONDS = 1000, 0.001


def start(call: Call, channel: grpc.aio.Channel) -> Awaitable[Outcome]:
    """Start a call; what is returned waits for its end and tells the outcome."""
    started = time.monotonic()
    ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def end(rpc: Any) -> None:  # noqa: ANN401 - one of four classes of call
        # A callback has nobody to raise an error to, and who waits would wait for ever.
        try:
            ended.set_result(_at_once(_end_of(rpc, started)))
        except Exception as error:  # noqa: BLE001 - raised where the end is waited for
            ended.set_exception(error)

    async def finish() -> Outcome:
        try:
            replies = await scripted.replies() if scripted is not None else None
            reply = await reply_of(rpc) if scripted is None else None
        except RefusedError as error:
            return outcome.refused(error, started)
        told = await ended
        if told["message"] == _NOT_SENT:
            told = await _end_behind(rpc, told, started)
        if replies is not None:
            told["replies"] = replies
        elif reply is not None:
            told["value"] = number.to_bits(reply).hex()
        return told

    scripted: ScriptedCall | None = None
    try:
        if isinstance(call.request, Script):
            scripted = ScriptedCall(call, call.request, channel)
            rpc = scripted.rpc
        else:
            is_stub = isinstance(call.request, Number)
            invoke = multicallable(
                channel, call.method, Kind.UNARY, is_stub=is_stub, read=Number.FromString
            )
            rpc = invoke(call.request, **call.options())
    except Exception as error:  # noqa: BLE001 - whatever a Python user would get is the outcome
        return asyncio.sleep(0, outcome.refused(error, started))
    rpc.add_done_callback(end)
    return asyncio.ensure_future(finish())


async def _end_of(rpc: Any, started: float) -> Outcome:  # noqa: ANN401 - as above
    try:
        code, message = await rpc.code(), await rpc.details()
        completed = time.monotonic()
        initial, trailing = await rpc.initial_metadata(), await rpc.trailing_metadata()
    except Exception as error:  # noqa: BLE001 - such as a status code that grpcio does not know
        return outcome.refused(error, started)
    told = outcome.begun(code.name, message or "", started, completed)
    told["initial_metadata"] = outcome.readable(initial)
    told["trailing_metadata"] = outcome.readable(trailing)
    told.update(await _details(rpc))
    return told


def _at_once(end: Coroutine[Any, Any, Outcome]) -> Outcome:
    # In a call that has ended nothing is left to wait for. A message that grpcio fails to send
    # a moment later would replace the status that the server sent.
    try:
        end.send(None)
    except StopIteration as told:
        outcome: Outcome = told.value
        return outcome
    raise RuntimeError("a call that has ended is waited for")


async def _end_behind(rpc: Any, told: Outcome, started: float) -> Outcome:  # noqa: ANN401 - as above
    # Here the message came first, and the status that the server sent comes behind the last reply.
    for _ in range(_STATUS_POLLS):
        if await rpc.details() != _NOT_SENT:
            return {**await _end_of(rpc, started), "elapsed_ms": told["elapsed_ms"]}
        await asyncio.sleep(_STATUS_POLL_SECONDS)
    return told


async def _details(rpc: Any) -> Outcome:  # noqa: ANN401 - one of four classes of call
    try:
        status = await rpc_status.aio.from_call(rpc)
        return {} if status is None else {"details": outcome.details(status)}
    except outcome.UNREADABLE:
        return {}
