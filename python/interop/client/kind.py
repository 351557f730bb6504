"""The four kinds of RPC, and which methods the generated stubs have of each.

A stub's method reads and writes messages of its own types, so whoever sends bytes through it has to
know the type of its requests.
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
    """A kind of RPC, by the name that grpcio's channels make calls of it with."""

    UNARY = "unary_unary"
    CLIENT_STREAMING = "stream_unary"
    SERVER_STREAMING = "unary_stream"
    BIDIRECTIONAL = "stream_stream"

    @property
    def has_many_requests(self) -> bool:
        """Whether the client sends a stream."""
        return self in (Kind.CLIENT_STREAMING, Kind.BIDIRECTIONAL)

    @property
    def has_many_replies(self) -> bool:
        """Whether the server sends a stream."""
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


# The one whose requests a scenario may give as a value instead of as bytes.
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
    read: Callable[[bytes], Any] | None = None,
) -> Any:  # noqa: ANN401 - there is one for each of four kinds and two APIs
    """Find what makes calls of a method, through its stub or with bytes as they are.

    `read` makes a message of a reply to bytes, which stays bytes without it.
    """
    if is_stub:
        known = STUB_METHODS[method]
        return getattr(known.stub(channel), known.name)
    return getattr(channel, kind.value)(method, response_deserializer=read)
