"""Follows test directives on asyncio.

grpcio cancels the task of a call that is over at any await, so the end of a call is observed where
its task leaves the method.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import grpc

from interop.handler import with_behaviour, write_all
from interop.test_directives import directives, missing_request
from interop.test_directives.observation import CallRecord, Observation, Registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from interop.grpc_types import AioContext
    from interop.handler import Behaviour, Handler
    from interop.test_directives.directives import Directives


class TestDirectives(grpc.aio.ServerInterceptor):
    """Follows the directives of each call."""

    def __init__(self) -> None:
        self._registry = Registry()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Wrap the handler of a call with directives, and return any other unchanged."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        try:
            parsed = directives.parse(handler_call_details.invocation_metadata)
        except directives.InvalidDirectiveError as error:
            return _rejecting(handler, str(error))
        if parsed is None:
            return handler

        def one_response(behaviour: Behaviour) -> Behaviour:
            async def respond(request: Any, context: AioContext) -> Any:  # noqa: ANN401
                call = _Call(self._registry, parsed, context)
                async with call.observed():
                    response = await behaviour(await call.begin(handler, request), context)
                    await call.end_with_status()
                    return response

            return respond

        def many_responses(behaviour: Behaviour) -> Behaviour:
            async def respond(request: Any, context: AioContext) -> None:  # noqa: ANN401
                call = _Call(self._registry, parsed, context)
                async with call.observed():
                    await write_all(behaviour, await call.begin(handler, request), context)
                    await call.end_with_status()

            return respond

        # An observed call may end before its request has arrived.
        is_observed = parsed.observe is not None
        return with_behaviour(handler, one_response, many_responses, takes_stream=is_observed)


def _rejecting(handler: Handler, reason: str) -> Handler:
    async def reject(_request: object, context: AioContext) -> None:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, reason)

    return with_behaviour(handler, lambda _: reject, lambda _: reject)


class _Call:
    """A call with directives, while its method runs."""

    def __init__(self, registry: Registry, parsed: Directives, context: AioContext) -> None:
        self._registry = registry
        self._directives = parsed
        self._context = context

    @contextlib.asynccontextmanager
    async def observed(self) -> AsyncIterator[None]:
        """Record how the method ends, if the call is observed."""
        if self._directives.observe is None:
            yield
            return
        observation = Observation(
            self._registry, self._directives.observe, self._context.time_remaining()
        )
        try:
            yield
        # InternalError: a response could not be sent, before grpcio has cancelled the task.
        except (asyncio.CancelledError, grpc.aio.InternalError):
            observation.end("cancelled")
            raise
        finally:
            observation.end("completed")

    async def begin(self, handler: Handler, request: Any) -> Any:  # noqa: ANN401
        """Follow the directives that come before the method; return the method's requests."""
        if self._directives.observe is not None and not handler.request_streaming:
            request = await self._single(request)
        if self._directives.compression is not None:
            self._context.set_compression(self._directives.compression)
        if self._directives.delay:
            await asyncio.sleep(self._directives.delay)
        trailing = self._directives.echo_trailing
        if self._directives.observed is not None:
            trailing += (await self._wait_for_observed(self._directives.observed)).metadata()
        if trailing:
            self._context.set_trailing_metadata(trailing)
        # grpcio ignores the compression of a response whose initial metadata it sends by itself.
        if self._directives.echo_initial or self._directives.compression is not None:
            await self._context.send_initial_metadata(self._directives.echo_initial)
        return self._requests(request) if handler.request_streaming else request

    async def end_with_status(self) -> None:
        """End the call with the requested status; return if it is OK or none is requested."""
        if self._directives.status is not grpc.StatusCode.OK:
            await self._context.abort(self._directives.status, self._directives.message)

    async def _single(self, requests: AsyncIterator[Any]) -> Any:  # noqa: ANN401
        request = await anext(requests, None)
        if request is None:
            await asyncio.sleep(missing_request.SETTLE_SECONDS)
            await self._context.abort(grpc.StatusCode.UNIMPLEMENTED, missing_request.MESSAGE)
        return request

    async def _requests(self, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        if self._directives.end_after == 0:
            return
        count = 0
        async for request in requests:
            yield request
            count += 1
            if count == self._directives.end_after:
                return
        if self._directives.observe is not None:
            await asyncio.sleep(missing_request.SETTLE_SECONDS)

    async def _wait_for_observed(self, name: str) -> CallRecord:
        received: asyncio.Future[CallRecord] = asyncio.get_running_loop().create_future()

        def receive(record: CallRecord) -> None:
            if not received.done():
                received.set_result(record)

        self._registry.request(name, receive)
        try:
            return await received
        finally:
            self._registry.cancel(name, receive)
