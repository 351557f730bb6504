"""Reads what a call asks for from its metadata, for both kinds of server.

A wish that is not known or cannot be read must not look as if it had been granted: the call fails
by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable

    from interop.grpc_types import Metadata

_Wish = TypeVar("_Wish")
_Default = TypeVar("_Default")

_ECHO_INITIAL = "x-grpc-test-echo-initial"
_ECHO_TRAILING = "x-grpc-test-echo-trailing-bin"
_PREFIX = "x-interop-"

_COMPRESSIONS = {
    "identity": grpc.Compression.NoCompression,
    "deflate": grpc.Compression.Deflate,
    "gzip": grpc.Compression.Gzip,
}
# The servers in other languages read these numbers into 64 bits.
_MOST = 2**64 - 1
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class UnreadableError(Exception):
    """A wish has a name or a value that means nothing; the message says which."""


@dataclass(frozen=True)
class Wishes:
    """What one call asks for; times are in seconds."""

    echo_initial: Metadata
    echo_trailing: Metadata
    delay: float
    status: grpc.StatusCode
    message: str
    end_after: int | None
    compression: grpc.Compression | None
    observe: str | None
    observed: str | None


def read(metadata: Metadata) -> Wishes | None:
    """Read what a call asks for; None if it is nothing."""
    values: dict[str, str | bytes] = {}
    for key, value in metadata:
        if key.startswith(_PREFIX):
            values[key.removeprefix(_PREFIX)] = value
    echo_initial = _only(metadata, _ECHO_INITIAL)
    echo_trailing = _only(metadata, _ECHO_TRAILING)
    if not values and not echo_initial and not echo_trailing:
        return None
    wishes = Wishes(
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
        raise UnreadableError(f"{_PREFIX}{min(values)} is not known")
    return wishes


def _only(metadata: Metadata, name: str) -> Metadata:
    return tuple((key, value) for key, value in metadata if key == name)


def _take(
    values: dict[str, str | bytes], name: str, parse: Callable[[Any], _Wish], default: _Default
) -> _Wish | _Default:
    if name not in values:
        return default
    value = values.pop(name)
    try:
        return parse(value)
    except (ValueError, KeyError):
        raise UnreadableError(f"{_PREFIX}{name} cannot be {value!r}") from None


def _natural(text: str) -> int:
    # Not int() alone, which also takes signs, spaces, underscores and digits of other scripts.
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(text)
    value = int(text)
    if value > _MOST:
        raise ValueError(text)
    return value


def _code(text: str) -> grpc.StatusCode:
    return _CODES[_natural(text)]
