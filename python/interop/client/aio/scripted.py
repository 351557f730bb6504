"""Takes the steps of a script on asyncio, in a task for each call.

Requests go through a queue, as on threads: a step that sends does not wait for the network, and
grpcio's own task is told when there are no more.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc

from interop.client import outcome
from interop.client.kind import multicallable
from interop.client.script import Cancel, HalfClose, Pause, Receive, Send

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from interop.client.scenario import Call
    from interop.client.script import Script

_END_OF_REQUESTS = object()


class RefusedError(Exception):
    """grpcio refused to make the call; on asyncio it says so only to who waits for a reply."""


async def reply_of(rpc: Any) -> Any:  # noqa: ANN401 - any call with one reply, of any type
    """Wait for the reply of a call; None if it has none, whatever its status."""
    try:
        return await _from_grpcio(rpc)
    # How it ended is told by its status; the second is how grpcio tells who cancelled it.
    except (grpc.RpcError, asyncio.CancelledError):
        return None


async def _from_grpcio(reply: Awaitable[Any]) -> Any:  # noqa: ANN401 - as above
    # Around nothing of the agent's own, whose errors must not pass for grpcio's.
    try:
        return await reply
    except (StopAsyncIteration, grpc.RpcError):
        raise
    except Exception as error:
        raise RefusedError(str(error)) from error


class ScriptedCall:
    """A call that has begun and goes through its script; `rpc` is what grpcio has for it."""

    def __init__(self, call: Call, script: Script, channel: grpc.aio.Channel) -> None:
        self._script = script
        self._requests: asyncio.Queue[Any] = asyncio.Queue()
        self._replies: list[str] = []
        self._is_cancelled = False
        invoke = multicallable(channel, call.method, script.kind, is_stub=script.is_stub)
        request = self._stream() if script.kind.has_many_requests else script.only_request()
        self.rpc = invoke(request, **call.options())
        self._task = asyncio.ensure_future(self._go_through())

    async def replies(self) -> list[str]:
        """Wait for the end of the script and tell the replies that it received, in hex.

        Raises RefusedError, and whatever else went wrong in a step without being the call's end.
        """
        await self._task
        return self._replies

    async def _stream(self) -> AsyncIterator[Any]:
        while (request := await self._requests.get()) is not _END_OF_REQUESTS:
            yield request

    async def _go_through(self) -> None:
        try:
            await self._take_steps()
            if not self._is_cancelled:
                await self._end()
        finally:
            # grpcio's task waits for requests until it is told that there are no more.
            self._requests.put_nowait(_END_OF_REQUESTS)

    async def _take_steps(self) -> None:
        for step in self._script.steps:
            match step:
                case Send(message) if self._script.kind.has_many_requests:
                    self._requests.put_nowait(message)
                case HalfClose():
                    self._requests.put_nowait(_END_OF_REQUESTS)
                case Receive(replies):
                    await self._receive(replies)
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                case Cancel():
                    self.rpc.cancel()
                    self._is_cancelled = True

    async def _receive(self, most: int | None = None) -> None:
        replies = aiter(self.rpc)
        try:
            while most is None or most > 0:
                self._replies.append(outcome.in_bytes(await _from_grpcio(anext(replies))))
                most = None if most is None else most - 1
        # How it ended is told by its status.
        except (StopAsyncIteration, grpc.RpcError, asyncio.CancelledError):
            pass

    async def _end(self) -> None:
        self._requests.put_nowait(_END_OF_REQUESTS)
        if self._script.kind.has_many_replies:
            await self._receive()
            return
        reply = await reply_of(self.rpc)
        if reply is not None:
            self._replies.append(outcome.in_bytes(reply))
