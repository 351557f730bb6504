"""Prints what Python computes: one result on stdout for each line of stdin.

Numbers are passed as the hex of their bytes and texts as the hex of their UTF-8: a decimal number
would lose the payload of a NaN, and a text may contain a newline.
"""

from __future__ import annotations

import argparse
import struct
import sys
from concurrent import futures

import grpc
from google.protobuf.message import DecodeError

import calculator
from calculator_pb2 import Number


def root(wire: bytes) -> str:
    """Return the encoded response to an encoded request, as the tutorial's servicer does."""
    request = Number.FromString(wire)
    response = Number()
    try:
        response.value = calculator.square_root(request.value)
    except ValueError as error:
        return f"error {error}"
    return response.SerializeToString().hex()


def message(wire: bytes) -> str:
    """Return the value of an encoded message, and the encoding of a message with this value."""
    try:
        number = Number.FromString(wire)
    except DecodeError:
        return "refused"
    number.DiscardUnknownFields()
    return f"{struct.pack('>d', number.value).hex()} {number.SerializeToString().hex()}"


def representation(double: bytes) -> str:
    """Return how Python prints the double with these big-endian bytes."""
    (value,) = struct.unpack(">d", double)
    return repr(value)


def parsed(text: bytes) -> str:
    """Parse a float and return its big-endian bytes."""
    try:
        return struct.pack(">d", float(text.decode())).hex()
    except ValueError:
        return "refused"


def printed(text: bytes) -> str:
    """Return what client.py would print if it called with this value."""
    request = Number(value=float(text.decode()))
    response = Number(value=calculator.square_root(request.value))
    return str(response.value)


def tls(files: bytes) -> str:
    """Return who rejects these PEM files: "server", "client", or "accepted" by both.

    NUL separates the certificate, the key, the trusted certificates and the name of the server.
    """
    certificate, key, trusted, name = files.split(b"\0")
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
        lambda request, _: request
    )
    server = grpc.server(futures.ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("Echo", {"Echo": handler})]
    )
    identity = grpc.ssl_server_credentials([(key, certificate)])
    try:
        port = server.add_secure_port("127.0.0.1:0", identity)
    except RuntimeError:
        return "server"
    server.start()
    options = [("grpc.ssl_target_name_override", name.decode())]
    credentials = grpc.ssl_channel_credentials(trusted)
    with grpc.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/Echo/Echo")
        try:
            call(b"", timeout=15)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            return "client"
        finally:
            server.stop(None)
    return "accepted"


_FUNCTIONS = {
    "root": root,
    "message": message,
    "repr": representation,
    "float": parsed,
    "print": printed,
    "tls": tls,
}


def main() -> int:
    """Print the result for each line of stdin."""
    parser = argparse.ArgumentParser(prog="interop.oracle", description=__doc__)
    parser.add_argument("function", choices=_FUNCTIONS, help="what to compute")
    function = _FUNCTIONS[parser.parse_args().function]
    for line in sys.stdin:
        print(function(bytes.fromhex(line)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
