"""Runs the script of a call on asyncio, in a task for each call.

Requests pass through a queue, as on threads, so that sending never waits for the network. The last
element of the queue ends the stream of requests.
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


class RejectedError(Exception):
    """grpcio rejected the call; on asyncio it raises this only where a response is awaited."""


async def response_of(rpc: Any) -> Any:  # noqa: ANN401 - any call with one response, of any type
    """Wait for the response of a call; None if it has none, whatever its status."""
    try:
        return await _from_grpcio(rpc)
    # The call has ended; the agent reports its status. grpcio raises CancelledError for a call that
    # the client cancelled.
    except (grpc.RpcError, asyncio.CancelledError):
        return None


async def _from_grpcio(response: Awaitable[Any]) -> Any:  # noqa: ANN401 - as above
    # Only grpcio's code runs in this block: an error of the agent must not be reported as grpcio's.
    try:
        return await response
    except (StopAsyncIteration, grpc.RpcError):
        raise
    except Exception as error:
        raise RejectedError(str(error)) from error


class ScriptedCall:
    """A call that runs its script; `rpc` is grpcio's object for the call."""

    def __init__(self, call: Call, script: Script, channel: grpc.aio.Channel) -> None:
        self._script = script
        self._requests: asyncio.Queue[Any] = asyncio.Queue()
        self._responses: list[bytes] = []
        self._is_cancelled = False
        invoke = multicallable(channel, call.method, script.kind, is_stub=script.is_stub)
        request = self._stream() if script.kind.has_many_requests else script.single_request()
        self.rpc = invoke(request, **call.options())
        self._task = asyncio.ensure_future(self._run())

    async def responses(self) -> list[bytes]:
        """Wait for the end of the script, and return the responses that it received.

        Raises RejectedError, or the exception of a step that did not result from the end of the
        call.
        """
        await self._task
        return self._responses

    async def _stream(self) -> AsyncIterator[Any]:
        while (request := await self._requests.get()) is not _END_OF_REQUESTS:
            yield request

    async def _run(self) -> None:
        try:
            await self._run_steps()
            if not self._is_cancelled:
                await self._end()
        finally:
            # Without this, grpcio's task would wait for more requests forever.
            self._requests.put_nowait(_END_OF_REQUESTS)

    async def _run_steps(self) -> None:
        for step in self._script.steps:
            match step:
                case Send(message) if self._script.kind.has_many_requests:
                    self._requests.put_nowait(message)
                case HalfClose():
                    self._requests.put_nowait(_END_OF_REQUESTS)
                case Receive(responses):
                    await self._receive(responses)
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                case Cancel():
                    self.rpc.cancel()
                    self._is_cancelled = True

    async def _receive(self, maximum: int | None = None) -> None:
        responses = aiter(self.rpc)
        try:
            while maximum is None or maximum > 0:
                response = await _from_grpcio(anext(responses))
                self._responses.append(outcome.response_as_bytes(response))
                maximum = None if maximum is None else maximum - 1
        # The call has ended; the agent reports its status.
        except (StopAsyncIteration, grpc.RpcError, asyncio.CancelledError):
            pass

    async def _end(self) -> None:
        self._requests.put_nowait(_END_OF_REQUESTS)
        if self._script.kind.has_many_responses:
            await self._receive()
            return
        response = await response_of(self.rpc)
        if response is not None:
            self._responses.append(outcome.response_as_bytes(response))
