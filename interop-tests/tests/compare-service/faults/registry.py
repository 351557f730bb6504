"""What a fault is, and how one is declared.

A fault wraps the function of one method, so the code of the server is the same for the reference
and for its faulty copies. The name of a fault is that of the function that declares it, with `-`
in place of `_`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import grpc

# The classes of messages are made at run time.
Message: TypeAlias = Any
# The function of a method: (request or requests, context) to a response or responses.
Method: TypeAlias = "Callable[[Any, grpc.ServicerContext], Any]"
Metadata: TypeAlias = "tuple[tuple[str, str | bytes], ...]"


class Fault(NamedTuple):
    """A fault."""

    name: str
    # The name of the method that has it.
    method: str
    # What a report of it must mention, separated by ", ": the name of a field, of a metadata entry
    # or of a header field, `status`, `message` (of the status), `details`, `initial metadata`,
    # `trailing metadata`, `end of stream` (too few or too many messages), `order`, `duration`,
    # `exit` (of the process), `no end` (of the call).
    mentions: str
    wrap: Callable[[Method], Method]


FAULTS: dict[str, Fault] = {}


class Declare:
    """Declares a fault of `method`; the decorators are its methods."""

    def __init__(self, method: str, mentions: str) -> None:
        self._method = method
        self._mentions = mentions

    def method(self, wrap: Callable[[Method], Method]) -> None:
        """Declare it by a function that wraps the function of the method."""
        self._add(wrap, wrap)

    def response(self, change: Callable[[Message], bytes | None]) -> None:
        """Declare it by a function that changes the response, or returns other bytes for it."""

        def wrap(function: Method) -> Method:
            def faulty(request: Message, context: grpc.ServicerContext) -> Message | bytes:
                response = function(request, context)
                replacement = change(response)
                return response if replacement is None else replacement

            return faulty

        self._add(change, wrap)

    def responses(self, change: Callable[[Iterator[Message]], Iterable[Message]]) -> None:
        """Declare it by a function that changes the responses of a stream.

        The method runs as far as its responses are read; its error is raised at their end.
        """
        self._add(
            change,
            lambda function: lambda request, context: iter(change(function(request, context))),
        )

    def initial_metadata(self, change: Callable[[Metadata], Metadata]) -> None:
        """Declare it by a function that changes the initial metadata."""
        self._add(change, _in_context("send_initial_metadata", change))

    def trailing_metadata(self, change: Callable[[Metadata], Metadata]) -> None:
        """Declare it by a function that changes the trailing metadata, and so the details."""
        self._add(change, _in_context("set_trailing_metadata", change))

    def error(
        self, change: Callable[[grpc.StatusCode, str], tuple[grpc.StatusCode, str] | None]
    ) -> None:
        """Declare it by a function that changes an error; with None the method continues."""

        def wrap(function: Method) -> Method:
            def faulty(request: Message, context: grpc.ServicerContext) -> Message:
                def abort(code: grpc.StatusCode, message: str) -> None:
                    changed = change(code, message)
                    if changed is not None:
                        context.abort(*changed)

                return function(request, replaced(context, abort=abort))

            return faulty

        self._add(change, wrap)

    def _add(self, declared: Callable[..., object], wrap: Callable[[Method], Method]) -> None:
        name = declared.__name__.replace("_", "-")
        if name in FAULTS:
            raise ValueError(f"there are two faults {name}")
        FAULTS[name] = Fault(name, self._method, self._mentions, wrap)


def replaced(context: grpc.ServicerContext, **methods: Callable[..., object]) -> Any:  # noqa: ANN401 - it stands for the context
    """Return a context that is the other one apart from these methods."""
    return _Context(context, methods)


class _Context:
    def __init__(
        self, inner: grpc.ServicerContext, methods: dict[str, Callable[..., object]]
    ) -> None:
        self._inner = inner
        vars(self).update(methods)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


def _in_context(name: str, change: Callable[[Metadata], Metadata]) -> Callable[[Method], Method]:
    def wrap(function: Method) -> Method:
        def faulty(request: Message, context: grpc.ServicerContext) -> Message:
            def replacement(metadata: Metadata) -> None:
                getattr(context, name)(change(metadata))

            return function(request, replaced(context, **{name: replacement}))

        return faulty

    return wrap
