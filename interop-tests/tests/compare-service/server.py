"""The servers of the acceptance test of the suite `compare`: a reference and its faulty copies.

`server.py PORT` serves sample.proto at 127.0.0.1. With `--fault NAMES` it is the same server with
these faults, separated by commas. Each is in one method, so a comparison with the reference must
find exactly these faults.
`--list-faults` prints them; faults/registry.py describes the columns.

A response depends only on the requests that the process got: not on a clock, on random numbers, or
on the environment. The exception is the order of map entries, which protobuf chooses anew in each
process.
"""

# It is a script, and its methods have the names that they have in the .proto.
# ruff: noqa: INP001, N802

from __future__ import annotations

import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.wrappers_pb2 import UInt64Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

    from faults.registry import Fault, Message, Method

_USAGE = "usage: server.py PORT [--fault NAMES] | --list-faults"
_WORKERS = 10


class Sample:
    """Implements the service of this name."""

    def __init__(self, protos: ModuleType) -> None:
        self._protos = protos

    def Echo(self, request: Message, _: grpc.ServicerContext) -> Message:
        """Return the request; what Python does not know stays in it."""
        return request

    def EchoLegacy(self, request: Message, _: grpc.ServicerContext) -> Message:
        """Return the request."""
        return request

    def Divide(self, request: Message, context: grpc.ServicerContext) -> Message:
        """Divide, with metadata that repeats the operands, whether it succeeds or not."""
        dividend, divisor = request.dividend, request.divisor
        context.send_initial_metadata(
            (
                ("sample-operand", str(dividend)),
                ("sample-operand", str(divisor)),
                ("sample-operands-bin", _big_endian(dividend) + _big_endian(divisor)),
            )
        )
        trailing = (("sample-divisor", str(divisor)), ("sample-divisor-bin", _big_endian(divisor)))
        context.set_trailing_metadata(trailing)
        if divisor == 0:
            # A character that is not ASCII is percent-encoded on the wire.
            message = f"{dividend} \N{DIVISION SIGN} 0 is undefined"
            details = self._details(grpc.StatusCode.INVALID_ARGUMENT, message, "divisor")
            context.set_trailing_metadata((*trailing, ("grpc-status-details-bin", details)))
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, message)
        quotient = abs(dividend) // abs(divisor)
        if (dividend < 0) != (divisor < 0):
            quotient = -quotient
        if quotient == 1 << 63:
            context.abort(grpc.StatusCode.OUT_OF_RANGE, "the quotient has 65 bits")
        remainder = dividend - quotient * divisor
        return self._protos.DivideReply(quotient=quotient, remainder=remainder)

    def Count(self, request: Message, context: grpc.ServicerContext) -> Iterator[Message]:
        """Yield replies, and fail after some of them if it is requested."""
        count = min(request.count, 5) if request.HasField("count") else 3
        fails = request.HasField("fail_after")
        sent = min(request.fail_after, count) if fails else count
        for index in range(1, sent + 1):
            yield self._protos.CountReply(index=index, label=request.label)
        context.set_trailing_metadata((("sample-sent", str(sent)),))
        if fails:
            context.abort(grpc.StatusCode.ABORTED, f"failed after {sent} of {count}")

    def Sum(self, requests: Iterator[Message], _: grpc.ServicerContext) -> Message:
        """Return the sums of all requests."""
        total, weight, count = 0, 0.0, 0
        for request in requests:
            total += request.value
            weight += request.weight
            count += 1
        total = (total + (1 << 63)) % (1 << 64) - (1 << 63)
        return self._protos.SumReply(total=total, weight=weight, count=count)

    def Chat(self, requests: Iterator[Message], context: grpc.ServicerContext) -> Iterator[Message]:
        """Answer each request before the next one is read."""
        index = 0
        for index, request in enumerate(requests, start=1):
            yield self._protos.ChatReply(
                index=index,
                text=request.text,
                characters=len(request.text),
                attachment_size=len(request.attachment),
            )
        context.set_trailing_metadata((("sample-answered", str(index)),))

    def Wait(self, request: Message, context: grpc.ServicerContext) -> Message:
        """Wait, or fail at once if there is not enough time: so a client can see who gave up."""
        milliseconds = min(request.milliseconds, 100)
        remaining = context.time_remaining()
        if remaining is not None and remaining < milliseconds / 1000:
            context.abort(
                grpc.StatusCode.DEADLINE_EXCEEDED, f"cannot wait for {milliseconds} milliseconds"
            )
        is_over = threading.Event()
        if context.add_callback(is_over.set):
            is_over.wait(milliseconds / 1000)
        return self._protos.WaitReply(waited=milliseconds)

    def _details(self, code: grpc.StatusCode, message: str, field: str) -> bytes:
        # Not grpcio-status, which takes more time to import than this server to start.
        status = self._protos.ErrorStatus(code=code.value[0], message=message)
        status.details.add().Pack(self._protos.Problem(field=field, description="must not be zero"))
        encoded: bytes = status.SerializeToString()
        return encoded


class Store:
    """Implements the service of this name."""

    def __init__(self, protos: ModuleType) -> None:
        self._protos = protos
        self._lock = threading.Lock()
        self._values: dict[str, tuple[bytes, int]] = {}
        self._revision = 0

    def Put(self, request: Message, context: grpc.ServicerContext) -> Message:
        """Store a value."""
        if not request.key:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the key is empty")
        with self._lock:
            previous, _ = self._values.get(request.key, (None, 0))
            self._revision += 1
            self._values[request.key] = (request.value, self._revision)
            return self._protos.PutReply(revision=self._revision, previous=previous)

    def Get(self, request: Message, context: grpc.ServicerContext) -> Message:
        """Return a stored value."""
        with self._lock:
            value, revision = self._values.get(request.key, (None, 0))
        if value is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "the key has no value")
        return self._protos.GetReply(value=value, revision=revision)

    def GetRevision(self, _: Message, __: grpc.ServicerContext) -> Message:
        """Return how many values were stored."""
        with self._lock:
            return UInt64Value(value=self._revision)


def _big_endian(number: int) -> bytes:
    return number.to_bytes(8, "big", signed=True)


def _serialized(message: Message | bytes) -> bytes:
    # Some faults choose the bytes of a response.
    encoded: bytes = message if isinstance(message, bytes) else message.SerializeToString()
    return encoded


def _handlers(protos: ModuleType, faults: Sequence[Fault]) -> Iterator[grpc.GenericRpcHandler]:
    """Yield a handler of each service.

    From the descriptors, because this way the stubs need not be generated as well.
    """
    implementations: dict[str, object] = {"Sample": Sample(protos), "Store": Store(protos)}
    for service in protos.DESCRIPTOR.services_by_name.values():
        methods = {}
        for method in service.methods:
            function: Method = getattr(implementations[service.name], method.name)
            for fault in faults:
                if fault.method == method.name:
                    function = fault.wrap(function)
            request = "stream" if method.client_streaming else "unary"
            response = "stream" if method.server_streaming else "unary"
            kind = getattr(grpc, f"{request}_{response}_rpc_method_handler")
            from_bytes = GetMessageClass(method.input_type).FromString
            methods[method.name] = kind(function, from_bytes, _serialized)
        yield grpc.method_handlers_generic_handler(service.full_name, methods)


def serve(port: int, faults: Sequence[Fault]) -> None:
    """Serve until SIGTERM or SIGINT."""
    # Blocked before grpcio starts threads, which inherit this. sigwait below takes the signal.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    # Compiles the .proto in 0.04 s, without files. Generated code would have to match both the
    # .proto and the installed protobuf.
    protos = grpc.protos("sample.proto")
    # Without SO_REUSEPORT, so that a port which is in use is an error.
    server = grpc.server(ThreadPoolExecutor(_WORKERS), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers(tuple(_handlers(protos, faults)))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    print(f"serving on port {port}", flush=True)
    signal.sigwait(ends)
    server.stop(grace=0).wait()


def main(arguments: list[str]) -> None:
    """Run the command."""
    match arguments:
        case ["--list-faults"]:
            from faults import FAULTS  # noqa: PLC0415 - the reference starts faster without it

            for fault in FAULTS.values():
                print(fault.name, fault.method, fault.mentions, sep="\t")
        case [port]:
            serve(_port(port), ())
        case [port, "--fault", names] | ["--fault", names, port]:
            from faults import FAULTS  # noqa: PLC0415

            for name in names.split(","):
                if name not in FAULTS:
                    sys.exit(f"server.py: there is no fault {name}; --list-faults prints all")
            serve(_port(port), [FAULTS[name] for name in names.split(",")])
        case _:
            sys.exit(_USAGE)


def _port(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 1 << 16):
        sys.exit(f"server.py: {text} is not a port\n{_USAGE}")
    return int(text)


if __name__ == "__main__":
    main(sys.argv[1:])
