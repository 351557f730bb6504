"""Prints what Python computes: one result on stdout for each line of stdin.

Numbers are passed as the hex of their bytes and texts as the hex of their UTF-8: a decimal number
would lose the payload of a NaN, and a text may contain a newline.
"""

from __future__ import annotations

import argparse
import struct
import sys

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


_FUNCTIONS = {
    "root": root,
    "message": message,
    "repr": representation,
    "float": parsed,
    "print": printed,
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
