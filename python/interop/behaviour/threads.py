"""What tests ask for, on grpcio's threads.

Every wait ends with its call. grpcio calls back when a call is over even while its method sleeps,
which is how a cancellation is told at once.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from typing_extensions import Self

from interop.behaviour import no_request, wishes
from interop.behaviour.observation import Observation, Registry, Seen
from interop.handler import with_behaviour

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from interop.behaviour.wishes import Wishes
    from interop.handler import Behaviour, Handler


class TestBehaviour(grpc.ServerInterceptor):
    """Does what each call asks for."""

    def __init__(self) -> None:
        self._registry = Registry()

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Handler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Leave the handler as it is unless its call asks for something."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        try:
            asked = wishes.read(handler_call_details.invocation_metadata)
        except wishes.UnreadableError as error:
            return _refusing(handler, str(error))
        if asked is None:
            return handler

        def one_answer(behaviour: Behaviour) -> Behaviour:
            def answer(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401
                with _Call(self._registry, asked, context) as call:
                    response = behaviour(call.begin(handler, request), context)
                    call.end_with_status()
                    return response

            return answer

        def many_answers(behaviour: Behaviour) -> Behaviour:
            def answer(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: ANN401
                with _Call(self._registry, asked, context) as call:
                    yield from behaviour(call.begin(handler, request), context)
                    call.end_with_status()

            return answer

        # A call that is observed may end before its request has come.
        is_observed = asked.observe is not None
        return with_behaviour(handler, one_answer, many_answers, takes_stream=is_observed)


def _refusing(handler: Handler, reason: str) -> Handler:
    def refuse(_request: object, context: grpc.ServicerContext) -> NoReturn:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, reason)

    return with_behaviour(handler, lambda _: refuse, lambda _: refuse)


class _Call:
    """A call that asks for something, while its method runs."""

    def __init__(self, registry: Registry, asked: Wishes, context: grpc.ServicerContext) -> None:
        self._registry = registry
        self._asked = asked
        self._context = context
        self._is_over = threading.Event()
        # A second event, because one wait cannot be for two: it ends with the call or an answer.
        self._is_woken = threading.Event()
        self._observation: Observation | None = None
        if asked.observe is not None:
            self._observation = Observation(registry, asked.observe, context.time_remaining())

    def __enter__(self) -> Self:
        if not self._context.add_callback(self._end_early):
            self._end_early()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._observation is not None:
            # grpcio drops a generator whose answers nobody reads any more.
            came_to_end = kind is not GeneratorExit and self._context.is_active()
            self._observation.end("completed" if came_to_end else "cancelled")

    def _end_early(self) -> None:
        self._is_over.set()
        self._is_woken.set()
        if self._observation is not None:
            self._observation.end("cancelled")

    def begin(self, handler: Handler, request: Any) -> Any:  # noqa: ANN401
        """Do what comes before the method, and tell the request or the requests that it sees."""
        if self._asked.observe is not None and not handler.request_streaming:
            request = self._only(request)
        if self._asked.compression is not None:
            self._context.set_compression(self._asked.compression)
        if self._is_over.wait(self._asked.delay):
            self._give_up()
        trailing = self._asked.echo_trailing
        if self._asked.observed is not None:
            trailing += self._wait_for_observed(self._asked.observed).metadata()
        if trailing:
            self._context.set_trailing_metadata(trailing)
        if self._asked.echo_initial:
            self._context.send_initial_metadata(self._asked.echo_initial)
        return self._requests(request) if handler.request_streaming else request

    def end_with_status(self) -> None:
        """End the call with the status that is asked for; return if none is."""
        if self._asked.status is not grpc.StatusCode.OK:
            self._context.abort(self._asked.status, self._asked.message)

    def _only(self, requests: Iterator[Any]) -> Any:  # noqa: ANN401
        request = next(requests, None)
        if request is None:
            if self._is_over.wait(no_request.SETTLE_SECONDS):
                self._give_up()
            self._context.abort(grpc.StatusCode.UNIMPLEMENTED, no_request.MESSAGE)
        return request

    def _requests(self, requests: Iterator[Any]) -> Iterator[Any]:
        if self._asked.end_after == 0:
            return
        for count, request in enumerate(requests, 1):
            yield request
            if count == self._asked.end_after:
                return
        if self._observation is not None and self._is_over.wait(no_request.SETTLE_SECONDS):
            self._give_up()

    def _wait_for_observed(self, name: str) -> Seen:
        told: list[Seen] = []

        def tell(seen: Seen) -> None:
            told.append(seen)
            self._is_woken.set()

        self._registry.ask(name, tell)
        self._is_woken.wait()
        if not told:
            self._registry.withdraw(name, tell)
            self._give_up()
        return told[0]

    def _give_up(self) -> NoReturn:
        # Nobody hears it; it is how a method is left without a traceback in the log.
        self._context.abort(grpc.StatusCode.CANCELLED, "")
