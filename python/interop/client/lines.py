"""Reads requests and writes outcomes: lines of JSON, and the raw bytes of messages after a line.

A message is hex digits, or {"bytes": N}; then its N bytes follow the line, in the order in which
the objects appear in it. A large message takes this form, because its hex digits would take more
time than the call.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

# A smaller message is written in hex, so that logs stay readable.
_SMALLEST_RAW = 1024


class BadLineError(Exception):
    """A line is not JSON, or the stream ended in a message that follows it."""


def requests(stream: BinaryIO) -> Iterator[object]:
    """Yield the decoded requests, in which raw messages are bytes.

    Raises BadLineError.
    """

    def received(thing: dict[str, Any]) -> object:
        # Called for the objects of the line in the order of their ends.
        if thing.keys() != {"bytes"} or type(size := thing["bytes"]) is not int or size < 0:
            return thing
        message = stream.read(size)
        if len(message) < size:
            raise BadLineError(f"stdin ended after {len(message)} of the {size} bytes of a message")
        return message

    # Not `for line in stream`, because the bytes of messages are read between two lines.
    while line := stream.readline():
        try:
            request = json.loads(line, object_hook=received)
        except ValueError as error:
            raise BadLineError(f"a line of stdin is not JSON: {error}") from None
        yield request


def write(outcome: dict[str, Any], stream: BinaryIO) -> None:
    """Write an outcome, in which messages are bytes."""
    messages: list[bytes] = []

    def written(message: bytes) -> object:
        if len(message) < _SMALLEST_RAW:
            return message.hex()
        messages.append(message)
        return {"bytes": len(message)}

    line = json.dumps(outcome, separators=(",", ":"), default=written)
    stream.write(b"".join((line.encode(), b"\n", *messages)))
    stream.flush()
