"""Faults in everything but messages: in statuses, metadata, streams, time and the process."""

from __future__ import annotations

import os
import threading
import time
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import grpc

from faults.registry import Declare, replaced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from faults.registry import Message, Metadata, Method

_INT32_MAX = (1 << 31) - 1
_INT64_MAX = (1 << 63) - 1
_DETAILS = "grpc-status-details-bin"


# Status and details.


@Declare("Divide", "status").error
def status_code_other(_: grpc.StatusCode, message: str) -> tuple[grpc.StatusCode, str]:
    """Return another error."""
    return grpc.StatusCode.FAILED_PRECONDITION, message


@Declare("Divide", "message").error
def status_message_other(code: grpc.StatusCode, message: str) -> tuple[grpc.StatusCode, str]:
    """Return another message, with the same error."""
    return code, message.replace("\N{DIVISION SIGN}", "/").replace("65", "64")


@Declare("Divide", "details").trailing_metadata
def details_missing(metadata: Metadata) -> Metadata:
    """Return no details."""
    return tuple(entry for entry in metadata if entry[0] != _DETAILS)


@Declare("Divide", "details, field").trailing_metadata
def details_other_field(metadata: Metadata) -> Metadata:
    """Complain about another field. Its name is as long, so the lengths around it stay right."""
    return tuple(
        (key, value.replace(b"\x0a\x07divisor", b"\x0a\x07divider"))
        if key == _DETAILS and isinstance(value, bytes)
        else (key, value)
        for key, value in metadata
    )


@Declare("Get", "status").error
def not_found_as_empty(_: grpc.StatusCode, __: str) -> None:
    """Return OK and an empty response for a key that has no value."""


@Declare("Get", "status").error
def not_found_as_unknown(_: grpc.StatusCode, message: str) -> tuple[grpc.StatusCode, str]:
    """Return UNKNOWN for a key that has no value."""
    return grpc.StatusCode.UNKNOWN, message


@Declare("Sum", "status").method
def nothing_to_sum(function: Method) -> Method:
    """Return an error if there is no request."""

    def faulty(requests: Iterator[Message], context: grpc.ServicerContext) -> Message:
        response = function(requests, context)
        if response.count == 0:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "there is nothing to sum")
        return response

    return faulty


# Metadata.


@Declare("Divide", "initial metadata, sample-operands-bin").initial_metadata
def initial_metadata_missing(metadata: Metadata) -> Metadata:
    """Send one entry less."""
    return tuple(entry for entry in metadata if entry[0] != "sample-operands-bin")


@Declare("Divide", "initial metadata, sample-operand").initial_metadata
def initial_metadata_repeated_key(metadata: Metadata) -> Metadata:
    """Send only the last value of a key."""
    return tuple(dict(metadata).items())


@Declare("Divide", "trailing metadata, sample-divisor").trailing_metadata
def trailing_metadata_missing(metadata: Metadata) -> Metadata:
    """Send one entry less."""
    return tuple(entry for entry in metadata if entry[0] != "sample-divisor")


@Declare("Divide", "trailing metadata, sample-divisor").trailing_metadata
def trailing_metadata_value(metadata: Metadata) -> Metadata:
    """Send a number as a float."""
    return tuple(
        (key, f"{value!s}.0" if key == "sample-divisor" else value) for key, value in metadata
    )


@Declare("Divide", "trailing metadata, sample-divisor-bin").trailing_metadata
def binary_metadata_other(metadata: Metadata) -> Metadata:
    """Send a number with the other byte order, and one bit set so that zero changes as well."""
    return tuple(
        (key, b"\x01" + value[:0:-1])
        if key == "sample-divisor-bin" and isinstance(value, bytes)
        else (key, value)
        for key, value in metadata
    )


@Declare("Put", "initial metadata, x-served-by").method
def extra_header(function: Method) -> Method:
    """Send one entry more if the call succeeds."""

    def faulty(request: Message, context: grpc.ServicerContext) -> Message:
        response = function(request, context)
        context.send_initial_metadata((("x-served-by", "candidate"),))
        return response

    return faulty


@Declare("Count", "trailing metadata, sample-sent").trailing_metadata
def stream_trailing_metadata_missing(_: Metadata) -> Metadata:
    """Send no trailing metadata."""
    return ()


# Streams.


@Declare("Count", "order").responses
def stream_order(responses: Iterator[Message]) -> Iterator[Message]:
    """Exchange the first two responses."""
    first = list(islice(responses, 1))
    try:
        yield from islice(responses, 1)
    except Exception:
        yield from first
        raise
    yield from first
    yield from responses


@Declare("Count", "end of stream").responses
def stream_last_missing(responses: Iterator[Message]) -> Iterator[Message]:
    """Send all responses but the last one, and then the status."""
    return (response for response, _ in pairwise(responses))


@Declare("Count", "end of stream").responses
def stream_ends_early(responses: Iterator[Message]) -> Iterator[Message]:
    """Return OK after two responses, without the rest, an error and trailing metadata."""
    return islice(responses, 2)


@Declare("Count", "end of stream").responses
def stream_last_repeated(responses: Iterator[Message]) -> Iterator[Message]:
    """Send the last response twice if the call succeeds."""
    response = None
    for response in responses:
        yield response
    if response is not None:
        yield response


@Declare("Count", "end of stream").method
def error_after_one_more_message(function: Method) -> Method:
    """Send one more response before an error."""

    def faulty(request: Message, context: grpc.ServicerContext) -> Iterator[Message]:
        sent = 0
        try:
            for response in function(request, context):
                yield response
                sent += 1
        except Exception:
            complete = type(request)(count=5, label=request.label)
            yield next(islice(function(complete, context), min(sent, 4), None))
            raise

    return faulty


@Declare("Count", "status").error
def ok_instead_of_error(_: grpc.StatusCode, __: str) -> None:
    """End a stream with OK instead of an error."""


@Declare("Chat", "order").responses
def chat_order(responses: Iterator[Message]) -> Iterable[Message]:
    """Answer in the opposite order, after all requests."""
    return list(responses)[::-1]


@Declare("Chat", "end of stream").responses
def chat_answers_once(responses: Iterator[Message]) -> Iterator[Message]:
    """Return OK after the first answer, without trailing metadata."""
    return islice(responses, 1)


# Time, size and the process.


@Declare("Wait", "message").method
def deadline_ignored(function: Method) -> Method:
    """Wait although there is not enough time.

    The status is the same, because grpcio itself ends the call at its deadline, in its own words.
    """
    return lambda request, context: function(
        request, replaced(context, time_remaining=lambda: None, add_callback=lambda _: True)
    )


@Declare("Sum", "duration").response
def latency(_: Message) -> None:
    """Add 150 milliseconds."""
    time.sleep(0.15)


@Declare("Echo", "status").method
def message_size_limit(function: Method) -> Method:
    """Refuse requests of more than 4000 bytes, as max_receive_message_length does.

    Not that option, which limits all methods.
    """
    limit = 4000

    def faulty(request: Message, context: grpc.ServicerContext) -> Message:
        size = request.ByteSize()
        if size > limit:
            context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"SERVER: Received message larger than max ({size} vs. {limit})",
            )
        return function(request, context)

    return faulty


@Declare("EchoLegacy", "grpc-encoding").method
def compression(function: Method) -> Method:
    """Compress the response."""

    def faulty(request: Message, context: grpc.ServicerContext) -> Message:
        context.set_compression(grpc.Compression.Gzip)
        return function(request, context)

    return faulty


@Declare("Echo", "exit").method
def crash(function: Method) -> Method:
    """End the process at the largest int32."""

    def faulty(request: Message, context: grpc.ServicerContext) -> Message:
        if request.optional_int32 == _INT32_MAX:
            os._exit(1)
        return function(request, context)

    return faulty


@Declare("Divide", "no end").method
def hang(function: Method) -> Method:
    """Wait until the client gives up if the divisor is the largest int64."""

    def faulty(request: Message, context: grpc.ServicerContext) -> Message:
        if request.divisor == _INT64_MAX:
            is_over = threading.Event()
            if context.add_callback(is_over.set):
                is_over.wait()
        return function(request, context)

    return faulty
