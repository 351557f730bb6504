"""Parses the test directives in the metadata of a call, for both kinds of server.

An invalid directive fails the call, so that a test with a typing error does not pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable

    from interop.grpc_types import Metadata

_Value = TypeVar("_Value")
_Default = TypeVar("_Default")

_ECHO_INITIAL = "x-grpc-test-echo-initial"
_ECHO_TRAILING = "x-grpc-test-echo-trailing-bin"
_PREFIX = "x-interop-"

_COMPRESSIONS = {
    "identity": grpc.Compression.NoCompression,
    "deflate": grpc.Compression.Deflate,
    "gzip": grpc.Compression.Gzip,
}
# Servers in other languages parse these numbers as 64-bit integers.
_MAXIMUM = 2**64 - 1
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class InvalidDirectiveError(Exception):
    """A directive has an unknown name or an invalid value; the message contains it."""


@dataclass(frozen=True)
class Directives:
    """The directives of one call; times are in seconds."""

    echo_initial: Metadata
    echo_trailing: Metadata
    delay: float
    status: grpc.StatusCode
    message: str
    end_after: int | None
    compression: grpc.Compression | None
    observe: str | None
    observed: str | None


def parse(metadata: Metadata) -> Directives | None:
    """Parse the directives of a call; None if it has none."""
    values: dict[str, str | bytes] = {}
    for key, value in metadata:
        if key.startswith(_PREFIX):
            values[key.removeprefix(_PREFIX)] = value
    echo_initial = _with_key(metadata, _ECHO_INITIAL)
    echo_trailing = _with_key(metadata, _ECHO_TRAILING)
    if not values and not echo_initial and not echo_trailing:
        return None
    directives = Directives(
        echo_initial=echo_initial,
        echo_trailing=echo_trailing,
        delay=_take(values, "delay-ms", _natural, 0) / 1000,
        status=_take(values, "status", _code, grpc.StatusCode.OK),
        message=_take(values, "message-bin", bytes.decode, ""),
        end_after=_take(values, "end-after", _natural, None),
        compression=_take(values, "compression", _COMPRESSIONS.__getitem__, None),
        observe=_take(values, "observe", str, None),
        observed=_take(values, "observed", str, None),
    )
    if values:
        raise InvalidDirectiveError(f"the metadata {_PREFIX}{min(values)} is not known")
    return directives


def _with_key(metadata: Metadata, name: str) -> Metadata:
    return tuple((key, value) for key, value in metadata if key == name)


def _take(
    values: dict[str, str | bytes], name: str, parse: Callable[[Any], _Value], default: _Default
) -> _Value | _Default:
    if name not in values:
        return default
    value = values.pop(name)
    try:
        return parse(value)
    except (ValueError, KeyError):
        raise InvalidDirectiveError(
            f"the metadata {_PREFIX}{name} has the invalid value {value!r}"
        ) from None


def _natural(text: str) -> int:
    # Not only int(), which also accepts signs, spaces, underscores and digits of other scripts.
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(text)
    value = int(text)
    if value > _MAXIMUM:
        raise ValueError(text)
    return value


def _code(text: str) -> grpc.StatusCode:
    return _CODES[_natural(text)]
