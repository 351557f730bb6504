"""The command line of a server for tests: its address, certificates and services.

The servers on threads and on asyncio share it, because the tool starts both in the same way. grpcio
replaces an existing socket file even if another server listens there, so this is checked here.
"""

from __future__ import annotations

import argparse
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from interop import file

if TYPE_CHECKING:
    from collections.abc import Sequence

UNIX = "unix:"

# grpcio takes the age in milliseconds as an int32.
_MAX_SECONDS = 2**31 // 1000
# Clients of tests ping every 300 ms. By default grpcio closes a connection after a few pings within
# five minutes.
_MIN_PING_INTERVAL_MS = 100


class CannotListenError(Exception):
    """The server cannot listen at its address; the message is one line."""


@dataclass(frozen=True)
class ServerOptions:
    """The options of the command line; the age is in seconds."""

    address: str
    tls_certificate: Path | None
    tls_key: Path | None
    tls_client_ca: Path | None
    max_connection_age: float | None
    health: bool
    reflection: bool
    test_behaviour: bool
    until_stdin_closes: bool

    def channel_arguments(self) -> list[tuple[str, int]]:
        """Return the channel arguments of grpcio's server."""
        arguments = [("grpc.so_reuseport", 0)]
        if self.max_connection_age is not None:
            arguments.append(("grpc.max_connection_age_ms", int(self.max_connection_age * 1000)))
        if self.test_behaviour:
            arguments.append(
                ("grpc.http2.min_ping_interval_without_data_ms", _MIN_PING_INTERVAL_MS)
            )
        return arguments

    def bind(self, server: grpc.Server | grpc.aio.Server) -> str:
        """Bind the server to its address, and return the address with the port that it got."""
        if self.address.startswith(UNIX):
            _remove_stale_socket(Path(self.address.removeprefix(UNIX)))
        credentials = self._credentials()
        try:
            if credentials is None:
                port = server.add_insecure_port(self.address)
            else:
                port = server.add_secure_port(self.address, credentials)
        except RuntimeError as error:
            how = "" if credentials is None else " with these certificates"
            raise CannotListenError(f"cannot listen on {self.address}{how}: {error}") from error
        if self.address.startswith(UNIX):
            return self.address
        return f"{self.address.rpartition(':')[0]}:{port}"

    def _credentials(self) -> grpc.ServerCredentials | None:
        if self.tls_certificate is None or self.tls_key is None:
            if self.tls_certificate or self.tls_key or self.tls_client_ca:
                raise CannotListenError("TLS needs both --tls-certificate and --tls-key")
            return None
        pair = (_pem(self.tls_key), _pem(self.tls_certificate))
        client_ca = None if self.tls_client_ca is None else _pem(self.tls_client_ca)
        return grpc.ssl_server_credentials(
            [pair], root_certificates=client_ca, require_client_auth=client_ca is not None
        )


def read(program: str, arguments: Sequence[str] | None = None) -> ServerOptions:
    """Read the options from `arguments`, or else from the command line of the process."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Calculator server for tests; prints its address once it accepts calls",
    )
    parser.add_argument(
        "--address",
        type=_address,
        default="127.0.0.1:0",
        metavar="HOST:PORT|unix:PATH",
        help="where to listen; port 0 means any free port (default: %(default)s)",
    )
    parser.add_argument(
        "--tls-certificate",
        type=Path,
        metavar="PEM",
        help="serve over TLS with this certificate chain",
    )
    parser.add_argument(
        "--tls-key", type=Path, metavar="PEM", help="private key of the certificate"
    )
    parser.add_argument(
        "--tls-client-ca",
        type=Path,
        metavar="PEM",
        help="require a client certificate that this CA has signed",
    )
    parser.add_argument(
        "--max-connection-age",
        type=_seconds,
        metavar="SECONDS",
        help="end each connection with GOAWAY after this time",
    )
    for service, name in (("health", "health checking"), ("reflection", "reflection")):
        parser.add_argument(
            f"--{service}",
            action=argparse.BooleanOptionalAction,
            default=True,
            help=f"whether to serve {name}; the default is yes",
        )
    parser.add_argument(
        "--test-behaviour",
        action="store_true",
        help="follow test directives in the metadata of calls",
    )
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="stop at the end of stdin"
    )
    return ServerOptions(**vars(parser.parse_args(arguments)))


def _address(text: str) -> str:
    if text.startswith(UNIX) and text != UNIX:
        return text
    # Without a port grpcio would listen on 443.
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is neither HOST:PORT nor unix:PATH")
    return text


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None
    if not 0 < seconds <= _MAX_SECONDS:
        raise argparse.ArgumentTypeError(
            f"must be more than 0 and at most {_MAX_SECONDS} seconds, not {text}"
        )
    return seconds


def _pem(path: Path) -> bytes:
    return file.read(path, CannotListenError)


def _remove_stale_socket(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError:
        # bind() reports what is wrong with the path.
        return
    if not stat.S_ISSOCK(mode):
        raise CannotListenError(
            f"cannot listen on {UNIX}{path}: the file is not a socket; remove it, or choose"
            " another path"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise CannotListenError(f"cannot listen on {UNIX}{path}: {error.strerror}") from error
        else:
            raise CannotListenError(
                f"cannot listen on {UNIX}{path}: another server listens there; stop it, or choose"
                " another path"
            )
