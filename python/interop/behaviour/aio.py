"""What tests ask for, on asyncio.

grpcio cancels the task of a call that is over, wherever it waits, so the end of a call is where
its task is left.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import grpc

from interop.behaviour import no_request, wishes
from interop.behaviour.observation import Observation, Registry, Seen
from interop.handler import with_behaviour, write_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from interop.behaviour.wishes import Wishes
    from interop.grpc_types import AioContext
    from interop.handler import Behaviour, Handler


class TestBehaviour(grpc.aio.ServerInterceptor):
    """Does what each call asks for."""

    def __init__(self) -> None:
        self._registry = Registry()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Leave the handler as it is unless its call asks for something."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        try:
            asked = wishes.read(handler_call_details.invocation_metadata)
        except wishes.UnreadableError as error:
            return _refusing(handler, str(error))
        if asked is None:
            return handler

        def one_answer(behaviour: Behaviour) -> Behaviour:
            async def answer(request: Any, context: AioContext) -> Any:  # noqa: ANN401
                call = _Call(self._registry, asked, context)
                async with call.observed():
                    response = await behaviour(await call.begin(handler, request), context)
                    await call.end_with_status()
                    return response

            return answer

        def many_answers(behaviour: Behaviour) -> Behaviour:
            async def answer(request: Any, context: AioContext) -> None:  # noqa: ANN401
                call = _Call(self._registry, asked, context)
                async with call.observed():
                    await write_all(behaviour, await call.begin(handler, request), context)
                    await call.end_with_status()

            return answer

        # A call that is observed may end before its request has come.
        is_observed = asked.observe is not None
        return with_behaviour(handler, one_answer, many_answers, takes_stream=is_observed)


def _refusing(handler: Handler, reason: str) -> Handler:
    async def refuse(_request: object, context: AioContext) -> None:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, reason)

    return with_behaviour(handler, lambda _: refuse, lambda _: refuse)


class _Call:
    """A call that asks for something, while its method runs."""

    def __init__(self, registry: Registry, asked: Wishes, context: AioContext) -> None:
        self._registry = registry
        self._asked = asked
        self._context = context

    @contextlib.asynccontextmanager
    async def observed(self) -> AsyncIterator[None]:
        """Note how the method is left, if that is asked for."""
        if self._asked.observe is None:
            yield
            return
        observation = Observation(
            self._registry, self._asked.observe, self._context.time_remaining()
        )
        try:
            yield
        # The second: what was to be sent could not be, before grpcio came to cancel the task.
        except (asyncio.CancelledError, grpc.aio.InternalError):
            observation.end("cancelled")
            raise
        finally:
            observation.end("completed")

    async def begin(self, handler: Handler, request: Any) -> Any:  # noqa: ANN401
        """Do what comes before the method, and tell the request or the requests that it sees."""
        if self._asked.observe is not None and not handler.request_streaming:
            request = await self._only(request)
        if self._asked.compression is not None:
            self._context.set_compression(self._asked.compression)
        if self._asked.delay:
            await asyncio.sleep(self._asked.delay)
        trailing = self._asked.echo_trailing
        if self._asked.observed is not None:
            trailing += (await self._wait_for_observed(self._asked.observed)).metadata()
        if trailing:
            self._context.set_trailing_metadata(trailing)
        # grpcio forgets the compression of an answer whose initial metadata it sends by itself.
        if self._asked.echo_initial or self._asked.compression is not None:
            await self._context.send_initial_metadata(self._asked.echo_initial)
        return self._requests(request) if handler.request_streaming else request

    async def end_with_status(self) -> None:
        """End the call with the status that is asked for; return if none is."""
        if self._asked.status is not grpc.StatusCode.OK:
            await self._context.abort(self._asked.status, self._asked.message)

    async def _only(self, requests: AsyncIterator[Any]) -> Any:  # noqa: ANN401
        request = await anext(requests, None)
        if request is None:
            await asyncio.sleep(no_request.SETTLE_SECONDS)
            await self._context.abort(grpc.StatusCode.UNIMPLEMENTED, no_request.MESSAGE)
        return request

    async def _requests(self, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        if self._asked.end_after == 0:
            return
        count = 0
        async for request in requests:
            yield request
            count += 1
            if count == self._asked.end_after:
                return
        if self._asked.observe is not None:
            await asyncio.sleep(no_request.SETTLE_SECONDS)

    async def _wait_for_observed(self, name: str) -> Seen:
        told: asyncio.Future[Seen] = asyncio.get_running_loop().create_future()

        def tell(seen: Seen) -> None:
            if not told.done():
                told.set_result(seen)

        self._registry.ask(name, tell)
        try:
            return await told
        finally:
            self._registry.withdraw(name, tell)
