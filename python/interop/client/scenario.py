"""Parses a scenario: the line of JSON in which the interop tool requests calls.

Both agents share this module and support everything that it accepts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from interop import number
from interop.client import script
from interop.client.fields import (
    NotSupportedError,
    fields,
    from_hex,
    message,
    one_of,
    seconds,
    typed,
)
from interop.client.kind import STUB_METHOD

if TYPE_CHECKING:
    from calculator_pb2 import Number
    from interop.client.script import Script
    from interop.grpc_types import Metadata, Metadatum

_FLOAT32_BYTES = 4
_PAIR = 2
_COMPRESSIONS = {"gzip": grpc.Compression.Gzip, "deflate": grpc.Compression.Deflate}
_SCRIPT_KEYS = {"kind", "script", "stub"}
_OPTIONAL_KEYS = {"value", "message", "timeout_ms", "metadata", "compression", "wait_for_ready"}


@dataclass(frozen=True)
class Call:
    """One call; a Number is sent through the generated stub, bytes are sent unchanged."""

    method: str
    request: Number | bytes | Script
    timeout: float | None
    metadata: Metadata
    compression: grpc.Compression | None
    wait_for_ready: bool | None

    def options(self) -> dict[str, Any]:
        """Return the arguments that every multicallable of grpcio accepts."""
        return {
            "timeout": self.timeout,
            "metadata": self.metadata,
            "compression": self.compression,
            "wait_for_ready": self.wait_for_ready,
        }


@dataclass(frozen=True)
class Tls:
    """Paths of PEM files, and the name in the server's certificate if it is not the host."""

    ca: str
    name: str | None
    certificate: str | None
    key: str | None


@dataclass(frozen=True)
class Keepalive:
    """Milliseconds without data before a ping, and until it must be acknowledged."""

    interval_ms: int
    timeout_ms: int


@dataclass(frozen=True)
class Connections:
    """Where and how to connect; scenarios with equal connections can share channels."""

    address: str
    channels: int
    tls: Tls | None
    keepalive: Keepalive | None


@dataclass(frozen=True)
class Scenario:
    """The calls of one line and the connections that they share."""

    connections: Connections
    keep_channels: bool
    calls: tuple[Call, ...]


def read(line: object) -> Scenario:
    """Parse the decoded JSON of one line."""
    where = "the scenario"
    scenario = fields(
        line, where, {"address", "channels", "keep_channels", "calls"}, {"tls", "keepalive"}
    )
    channels = typed(scenario, "channels", int, where)
    if channels < 1:
        raise NotSupportedError(f'"channels" of {where} is less than 1')
    return Scenario(
        connections=Connections(
            address=typed(scenario, "address", str, where),
            channels=channels,
            tls=_tls(scenario["tls"]) if "tls" in scenario else None,
            keepalive=_keepalive(scenario["keepalive"]) if "keepalive" in scenario else None,
        ),
        keep_channels=typed(scenario, "keep_channels", bool, where),
        calls=tuple(
            _call(call, f"calls[{index}]")
            for index, call in enumerate(typed(scenario, "calls", list, where))
        ),
    )


def _tls(line: object) -> Tls:
    optional = {"name", "certificate", "key"}
    tls = fields(line, '"tls"', {"ca"}, optional)
    if ("certificate" in tls) != ("key" in tls):
        raise NotSupportedError('"tls" needs both "certificate" and "key", or neither')
    return Tls(
        ca=typed(tls, "ca", str, '"tls"'),
        **{key: typed(tls, key, str, '"tls"') if key in tls else None for key in optional},
    )


def _keepalive(line: object) -> Keepalive:
    keys = {"interval_ms", "timeout_ms"}
    keepalive = fields(line, '"keepalive"', keys)
    return Keepalive(**{key: typed(keepalive, key, int, '"keepalive"') for key in keys})


def _call(line: object, where: str) -> Call:
    call = fields(line, where, {"method"}, _OPTIONAL_KEYS | _SCRIPT_KEYS)
    call.setdefault("metadata", [])
    method = typed(call, "method", str, where)
    waits = "wait_for_ready" in call and typed(call, "wait_for_ready", bool, where)
    return Call(
        method=method,
        request=_request(call, method, where),
        timeout=seconds(call, "timeout_ms", where),
        metadata=tuple(
            _metadatum(pair, f"{where}.metadata[{index}]")
            for index, pair in enumerate(typed(call, "metadata", list, where))
        ),
        compression=one_of(call, "compression", _COMPRESSIONS, where),
        # None is grpcio's default, which a service config could change.
        wait_for_ready=waits or None,
    )


def _request(call: dict[str, Any], method: str, where: str) -> Number | bytes | Script:
    if _SCRIPT_KEYS & call.keys():
        if "value" in call or "message" in call:
            raise NotSupportedError(f'{where} has a "script" and a "value" or "message"')
        return script.read(call, method, where)
    if ("value" in call) == ("message" in call):
        raise NotSupportedError(f'{where} needs exactly one of "value" and "message"')
    if "message" in call:
        return message(call["message"], f"{where}.message")
    if method != STUB_METHOD:
        raise NotSupportedError(f'{where} has a "value", but the stub has no method {method}')
    bits = from_hex(call["value"], f"{where}.value")
    if len(bits) != _FLOAT32_BYTES:
        raise NotSupportedError(f"{where}.value is not the four bytes of a float32")
    return number.from_bits(bits)


def _metadatum(pair: object, where: str) -> Metadatum:
    if not isinstance(pair, list) or len(pair) != _PAIR or not all(type(x) is str for x in pair):
        raise NotSupportedError(f"{where} is not a [key, value] of strings")
    key, value = pair
    return key, from_hex(value, where) if key.endswith("-bin") else value
