"""Reads what a call asks for from its metadata, for both kinds of server.

A wish that cannot be read must not look as if it had been granted: the call fails by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Metadata: TypeAlias = "tuple[tuple[str, str | bytes], ...]"

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
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class UnreadableError(Exception):
    """A wish has a value that means nothing."""


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
    message = values.get("message-bin", b"")
    return Wishes(
        echo_initial=echo_initial,
        echo_trailing=echo_trailing,
        delay=_read(values, "delay-ms", _natural, 0) / 1000,
        status=_read(values, "status", _code, grpc.StatusCode.OK),
        message=message.decode("utf-8", "replace") if isinstance(message, bytes) else message,
        end_after=_read(values, "end-after", _natural, None),
        compression=_read(values, "compression", _COMPRESSIONS.__getitem__, None),
        observe=_read(values, "observe", str, None),
        observed=_read(values, "observed", str, None),
    )


def _only(metadata: Iterable[tuple[str, str | bytes]], name: str) -> Metadata:
    return tuple((key, value) for key, value in metadata if key == name)


def _read(
    values: dict[str, str | bytes], name: str, parse: Callable[[str], _Wish], default: _Default
) -> _Wish | _Default:
    if name not in values:
        return default
    try:
        return parse(str(values[name]))
    except (ValueError, KeyError):
        raise UnreadableError(f"{_PREFIX}{name} cannot be {values[name]!r}") from None


def _natural(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError(text)
    return value


def _code(text: str) -> grpc.StatusCode:
    return _CODES[int(text)]
