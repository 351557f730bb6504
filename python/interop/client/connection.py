"""Says how grpcio connects: the options and credentials of a channel, on threads and on asyncio.

Channels of one process share their connections unless told otherwise, which would turn a test of
several connections into a test of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import grpc

from interop import file
from interop.client.fields import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from interop.client.scenario import Connections, Tls

_Channel = TypeVar("_Channel")

OPTIONS: list[tuple[str, int | str]] = [
    ("grpc.use_local_subchannel_pool", 1),
    # A proxy that the environment names would be asked to reach a server on this machine.
    ("grpc.enable_http_proxy", 0),
]


def connect(
    asked: Connections,
    insecure: Callable[[str, list[tuple[str, int | str]]], _Channel],
    secure: Callable[[str, grpc.ChannelCredentials, list[tuple[str, int | str]]], _Channel],
) -> list[_Channel]:
    """Make the channels with what the API has for it."""
    options = [*OPTIONS, *_keepalive(asked), *_name(asked.tls)]
    if asked.tls is None:
        return [insecure(asked.address, options) for _ in range(asked.channels)]
    credentials = _credentials(asked.tls)
    return [secure(asked.address, credentials, options) for _ in range(asked.channels)]


def _keepalive(asked: Connections) -> list[tuple[str, int | str]]:
    if asked.keepalive is None:
        return []
    return [
        ("grpc.keepalive_time_ms", asked.keepalive.interval_ms),
        ("grpc.keepalive_timeout_ms", asked.keepalive.timeout_ms),
        # The other one alone does nothing (grpcio 1.85.1): a minute is what a ping would have.
        ("grpc.http2.ping_timeout_ms", asked.keepalive.timeout_ms),
        # After two pings grpcio would wait for data of its own before the next.
        ("grpc.http2.max_pings_without_data", 0),
    ]


def _name(tls: Tls | None) -> list[tuple[str, int | str]]:
    if tls is None or tls.name is None:
        return []
    return [("grpc.ssl_target_name_override", tls.name), ("grpc.default_authority", tls.name)]


def _credentials(tls: Tls) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        root_certificates=_pem(tls.ca),
        private_key=None if tls.key is None else _pem(tls.key),
        certificate_chain=None if tls.certificate is None else _pem(tls.certificate),
    )


def _pem(path: str) -> bytes:
    return file.read(path, NotSupportedError)
