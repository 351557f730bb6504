"""Creates channels with their options and credentials, on threads and on asyncio.

By default the channels of a process share their connections, so a test of several connections would
test only one.
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
    # The server is on this machine, and a proxy in the environment must not be used.
    ("grpc.enable_http_proxy", 0),
]


def connect(
    connections: Connections,
    insecure: Callable[[str, list[tuple[str, int | str]]], _Channel],
    secure: Callable[[str, grpc.ChannelCredentials, list[tuple[str, int | str]]], _Channel],
) -> list[_Channel]:
    """Create the channels with the functions of one API."""
    options = [*OPTIONS, *_keepalive(connections), *_name(connections.tls)]
    address, channels = connections.address, range(connections.channels)
    if connections.tls is None:
        return [insecure(address, options) for _ in channels]
    credentials = _credentials(connections.tls)
    return [secure(address, credentials, options) for _ in channels]


def _keepalive(connections: Connections) -> list[tuple[str, int | str]]:
    keepalive = connections.keepalive
    if keepalive is None:
        return []
    return [
        ("grpc.keepalive_time_ms", keepalive.interval_ms),
        ("grpc.keepalive_timeout_ms", keepalive.timeout_ms),
        # Without this the option above has no effect: a ping times out after a minute (1.85.1).
        ("grpc.http2.ping_timeout_ms", keepalive.timeout_ms),
        # By default grpcio sends no third ping before it has sent data.
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
