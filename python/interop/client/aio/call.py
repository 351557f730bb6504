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
from calculator_pb2_grpc import CalculatorStub
from interop import number
from interop.client import outcome
from interop.client.aio.scripted import ScriptedCall, reply_of
from interop.client.script import Script

if TYPE_CHECKING:
    from collections.abc import Awaitable

    import grpc

    from interop.client.outcome import Outcome
    from interop.client.scenario import Call


def start(call: Call, channel: grpc.aio.Channel) -> Awaitable[Outcome]:
    """Start a call; what is returned waits for its end and tells the outcome."""
    started = time.monotonic()
    completed = asyncio.get_running_loop().create_future()

    def complete(_: object) -> None:
        if not completed.done():
            completed.set_result(time.monotonic())

    async def finish() -> Outcome:
        try:
            replies = await scripted.replies() if scripted is not None else None
            reply = await reply_of(rpc) if scripted is None else None
            status = (await rpc.code()).name
            told = outcome.begun(status, await rpc.details() or "", started, await completed)
            if replies is not None:
                told["replies"] = replies
            elif reply is not None:
                told["value"] = number.to_bits(reply).hex()
            told["initial_metadata"] = outcome.readable(await rpc.initial_metadata())
            told["trailing_metadata"] = outcome.readable(await rpc.trailing_metadata())
            told.update(await _details(rpc))
        except Exception as error:  # noqa: BLE001 - as below, but grpcio says it later
            return outcome.refused(error, started)
        return told

    scripted: ScriptedCall | None = None
    try:
        if isinstance(call.request, Script):
            scripted = ScriptedCall(call, call.request, channel)
            rpc = scripted.rpc
        else:
            rpc = _method(call, channel)(call.request, **call.options())
    except Exception as error:  # noqa: BLE001 - whatever a Python user would get is the outcome
        return asyncio.sleep(0, outcome.refused(error, started))
    rpc.add_done_callback(complete)
    return asyncio.ensure_future(finish())


def _method(call: Call, channel: grpc.aio.Channel) -> Any:  # noqa: ANN401 - grpcio's own is untyped
    if isinstance(call.request, Number):
        return CalculatorStub(channel).SquareRoot
    return channel.unary_unary(
        call.method,
        request_serializer=bytes,
        response_deserializer=Number.FromString,
    )


async def _details(rpc: Any) -> Outcome:  # noqa: ANN401 - one of four classes of call
    try:
        status = await rpc_status.aio.from_call(rpc)
        return {} if status is None else {"details": outcome.details(status)}
    except outcome.UNREADABLE:
        return {}
