"""Follows test directives on threads.

Every wait ends when its call is over: grpcio runs a callback then, even while the method sleeps, so
a cancellation is noticed at once.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from typing_extensions import Self

from interop.handler import with_behaviour
from interop.test_directives import directives, missing_request
from interop.test_directives.observation import CallRecord, Observation, Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from interop.handler import Behaviour, Handler
    from interop.test_directives.directives import Directives


class TestDirectives(grpc.ServerInterceptor):
    """Follows the directives of each call."""

    def __init__(self) -> None:
        self._registry = Registry()

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Handler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Wrap the handler of a call with directives, and return any other unchanged."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        try:
            parsed = directives.parse(handler_call_details.invocation_metadata)
        except directives.InvalidDirectiveError as error:
            return _rejecting(handler, str(error))
        if parsed is None:
            return handler

        def one_response(behaviour: Behaviour) -> Behaviour:
            def respond(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401
                with _Call(self._registry, parsed, context) as call:
                    response = behaviour(call.begin(handler, request), context)
                    call.end_with_status()
                    return response

            return respond

        def many_responses(behaviour: Behaviour) -> Behaviour:
            def respond(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: ANN401
                with _Call(self._registry, parsed, context) as call:
                    yield from behaviour(call.begin(handler, request), context)
                    call.end_with_status()

            return respond

        # An observed call may end before its request has arrived.
        is_observed = parsed.observe is not None
        return with_behaviour(handler, one_response, many_responses, takes_stream=is_observed)


def _rejecting(handler: Handler, reason: str) -> Handler:
    def reject(_request: object, context: grpc.ServicerContext) -> NoReturn:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, reason)

    return with_behaviour(handler, lambda _: reject, lambda _: reject)


class _Call:
    """A call with directives, while its method runs."""

    def __init__(
        self, registry: Registry, parsed: Directives, context: grpc.ServicerContext
    ) -> None:
        self._registry = registry
        self._directives = parsed
        self._context = context
        self._is_over = threading.Event()
        # A second event, because a thread can wait only for one: it is set at the end of the call
        # and when the record of an observed call arrives.
        self._is_woken = threading.Event()
        self._observation: Observation | None = None
        if parsed.observe is not None:
            self._observation = Observation(registry, parsed.observe, context.time_remaining())

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
            # grpcio closes a generator whose responses are not read any more.
            is_completed = kind is not GeneratorExit and self._context.is_active()
            self._observation.end("completed" if is_completed else "cancelled")

    def _end_early(self) -> None:
        self._is_over.set()
        self._is_woken.set()
        if self._observation is not None:
            self._observation.end("cancelled")

    def begin(self, handler: Handler, request: Any) -> Any:  # noqa: ANN401
        """Follow the directives that come before the method; return the method's requests."""
        if self._directives.observe is not None and not handler.request_streaming:
            request = self._single(request)
        if self._directives.compression is not None:
            self._context.set_compression(self._directives.compression)
        if self._is_over.wait(self._directives.delay):
            self._abort_cancelled()
        trailing = self._directives.echo_trailing
        if self._directives.observed is not None:
            trailing += self._wait_for_observed(self._directives.observed).metadata()
        if trailing:
            self._context.set_trailing_metadata(trailing)
        if self._directives.echo_initial:
            self._context.send_initial_metadata(self._directives.echo_initial)
        return self._requests(request) if handler.request_streaming else request

    def end_with_status(self) -> None:
        """End the call with the requested status; return if it is OK or none is requested."""
        if self._directives.status is not grpc.StatusCode.OK:
            self._context.abort(self._directives.status, self._directives.message)

    def _single(self, requests: Iterator[Any]) -> Any:  # noqa: ANN401
        request = next(requests, None)
        if request is None:
            if self._is_over.wait(missing_request.SETTLE_SECONDS):
                self._abort_cancelled()
            self._context.abort(grpc.StatusCode.UNIMPLEMENTED, missing_request.MESSAGE)
        return request

    def _requests(self, requests: Iterator[Any]) -> Iterator[Any]:
        if self._directives.end_after == 0:
            return
        for count, request in enumerate(requests, 1):
            yield request
            if count == self._directives.end_after:
                return
        if self._observation is not None and self._is_over.wait(missing_request.SETTLE_SECONDS):
            self._abort_cancelled()

    def _wait_for_observed(self, name: str) -> CallRecord:
        received: list[CallRecord] = []

        def receive(record: CallRecord) -> None:
            received.append(record)
            self._is_woken.set()

        self._registry.request(name, receive)
        self._is_woken.wait()
        if not received:
            self._registry.cancel(name, receive)
            self._abort_cancelled()
        return received[0]

    def _abort_cancelled(self) -> NoReturn:
        # The call is over, so the status is not sent. abort() leaves the method without a traceback
        # in the log.
        self._context.abort(grpc.StatusCode.CANCELLED, "")
