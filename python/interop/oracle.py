"""Answers what Python itself would have answered: a question a line on stdin, an answer on stdout.

Numbers travel as the hex of their bytes and texts as the hex of their UTF-8: written out they
would lose the payload of a NaN, or end a line too early.
"""

from __future__ import annotations

import argparse
import struct
import sys

from google.protobuf.message import DecodeError

import calculator
from calculator_pb2 import Number


def root(wire: bytes) -> str:
    """Answer a request's bytes with the bytes of the reply, as the document's servicer does."""
    request = Number.FromString(wire)
    response = Number()
    try:
        response.value = calculator.square_root(request.value)
    except ValueError as error:
        return f"error {error}"
    return response.SerializeToString().hex()


def message(wire: bytes) -> str:
    """Tell the value in a message's bytes and the bytes that a message of that value has."""
    try:
        number = Number.FromString(wire)
    except DecodeError:
        return "refused"
    number.DiscardUnknownFields()
    return f"{struct.pack('>d', number.value).hex()} {number.SerializeToString().hex()}"


def representation(double: bytes) -> str:
    """Print the double with these big-endian bytes."""
    (value,) = struct.unpack(">d", double)
    return repr(value)


def parsed(text: bytes) -> str:
    """Read a float and tell its big-endian bytes."""
    try:
        return struct.pack(">d", float(text.decode())).hex()
    except ValueError:
        return "refused"


def printed(text: bytes) -> str:
    """Tell what client.py would print if it asked for this value."""
    request = Number(value=float(text.decode()))
    response = Number(value=calculator.square_root(request.value))
    return str(response.value)


_QUESTIONS = {
    "root": root,
    "message": message,
    "repr": representation,
    "float": parsed,
    "print": printed,
}


def main() -> int:
    """Answer every line of stdin."""
    parser = argparse.ArgumentParser(prog="interop.oracle", description=__doc__)
    parser.add_argument("question", choices=_QUESTIONS)
    answer = _QUESTIONS[parser.parse_args().question]
    for line in sys.stdin:
        print(answer(bytes.fromhex(line)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
