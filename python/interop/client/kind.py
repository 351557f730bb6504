"""The four kinds of RPC, and the methods of the generated stubs.

A method of a stub takes messages of its own types, so bytes must be parsed as the type of its
requests before they can be sent through the stub.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

from calculator_pb2 import Number
from calculator_pb2_grpc import CalculatorStub
from streaming_calculator_pb2 import ExchangeRequest, RepeatedRootsRequest
from streaming_calculator_pb2_grpc import StreamingCalculatorStub

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc
    from google.protobuf.message import Message


class Kind(enum.Enum):
    """A kind of RPC; the value is the name of the method of grpcio's channels for it."""

    UNARY = "unary_unary"
    CLIENT_STREAMING = "stream_unary"
    SERVER_STREAMING = "unary_stream"
    BIDIRECTIONAL = "stream_stream"

    @property
    def has_many_requests(self) -> bool:
        """Whether the client sends a stream of requests."""
        return self in (Kind.CLIENT_STREAMING, Kind.BIDIRECTIONAL)

    @property
    def has_many_responses(self) -> bool:
        """Whether the server sends a stream of responses."""
        return self in (Kind.SERVER_STREAMING, Kind.BIDIRECTIONAL)


KINDS = {
    "unary": Kind.UNARY,
    "client-streaming": Kind.CLIENT_STREAMING,
    "server-streaming": Kind.SERVER_STREAMING,
    "bidirectional": Kind.BIDIRECTIONAL,
}


@dataclass(frozen=True)
class StubMethod:
    """A method of a generated stub."""

    stub: Callable[[Any], object]
    name: str
    kind: Kind
    request: type[Message]


# The method whose request a scenario may state as a value instead of bytes.
STUB_METHOD = "/Calculator/SquareRoot"

STUB_METHODS = {
    STUB_METHOD: StubMethod(CalculatorStub, "SquareRoot", Kind.UNARY, Number),
    "/StreamingCalculator/RepeatedRoots": StubMethod(
        StreamingCalculatorStub, "RepeatedRoots", Kind.SERVER_STREAMING, RepeatedRootsRequest
    ),
    "/StreamingCalculator/RootMeanSquare": StubMethod(
        StreamingCalculatorStub, "RootMeanSquare", Kind.CLIENT_STREAMING, Number
    ),
    "/StreamingCalculator/RootOfEach": StubMethod(
        StreamingCalculatorStub, "RootOfEach", Kind.BIDIRECTIONAL, Number
    ),
    "/StreamingCalculator/Exchange": StubMethod(
        StreamingCalculatorStub, "Exchange", Kind.UNARY, ExchangeRequest
    ),
    "/grpc.health.v1.Health/Check": StubMethod(HealthStub, "Check", Kind.UNARY, HealthCheckRequest),
    "/grpc.health.v1.Health/Watch": StubMethod(
        HealthStub, "Watch", Kind.SERVER_STREAMING, HealthCheckRequest
    ),
}


def multicallable(
    channel: grpc.Channel | grpc.aio.Channel,
    method: str,
    kind: Kind,
    *,
    is_stub: bool,
    deserialize: Callable[[bytes], Any] | None = None,
) -> Any:  # noqa: ANN401 - eight types: four kinds of RPC, two APIs
    """Return the multicallable of a method, from its stub or for messages as bytes.

    Without a stub, `deserialize` parses the responses; by default they stay bytes.
    """
    if is_stub:
        known = STUB_METHODS[method]
        return getattr(known.stub(channel), known.name)
    return getattr(channel, kind.value)(method, response_deserializer=deserialize)
