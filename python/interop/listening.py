"""Where and how a server listens: its command line, its certificates, its socket file.

Both servers share it, because what the tool asks of a server does not depend on its API. grpcio
takes a socket file over without asking, even from a server that lives, so that is asked here.
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

# grpcio takes the age as milliseconds in an int32.
_MOST_SECONDS = 2**31 // 1000
# Clients of tests ping every 300 ms; grpcio takes more than a few within five minutes as abuse.
_LEAST_PING_INTERVAL_MS = 100


class CannotListenError(Exception):
    """The server cannot start; the message says why, in a line."""


@dataclass(frozen=True)
class Listening:
    """What the command line says; ages are in seconds."""

    address: str
    tls_certificate: Path | None
    tls_key: Path | None
    tls_client_ca: Path | None
    max_connection_age: float | None
    health: bool
    reflection: bool
    test_behaviour: bool
    until_stdin_closes: bool

    def options(self) -> list[tuple[str, int]]:
        """Tell the options of the grpcio server."""
        options = [("grpc.so_reuseport", 0)]
        if self.max_connection_age is not None:
            options.append(("grpc.max_connection_age_ms", int(self.max_connection_age * 1000)))
        if self.test_behaviour:
            options.append(
                ("grpc.http2.min_ping_interval_without_data_ms", _LEAST_PING_INTERVAL_MS)
            )
        return options

    def bind(self, server: grpc.Server | grpc.aio.Server) -> str:
        """Bind the server to its address and tell the address with the port that it got."""
        if self.address.startswith(UNIX):
            _clear(Path(self.address.removeprefix(UNIX)))
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


def read(program: str, arguments: Sequence[str] | None = None) -> Listening:
    """Read the command line, the process's own unless another is given."""
    parser = argparse.ArgumentParser(prog=program, description="Calculator server")
    parser.add_argument(
        "--address", type=_address, default="127.0.0.1:0", metavar="HOST:PORT|unix:PATH"
    )
    parser.add_argument("--tls-certificate", type=Path, metavar="PEM", help="chain of certificates")
    parser.add_argument("--tls-key", type=Path, metavar="PEM")
    parser.add_argument(
        "--tls-client-ca", type=Path, metavar="PEM", help="refuse clients that it has not signed"
    )
    parser.add_argument("--max-connection-age", type=_seconds, metavar="SECONDS")
    for service in ("health", "reflection"):
        parser.add_argument(
            f"--{service}", action=argparse.BooleanOptionalAction, default=True, help="offer it"
        )
    parser.add_argument(
        "--test-behaviour", action="store_true", help="do what tests ask for with metadata"
    )
    parser.add_argument("--until-stdin-closes", action="store_true")
    return Listening(**vars(parser.parse_args(arguments)))


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
    if not 0 < seconds <= _MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {_MOST_SECONDS}")
    return seconds


def _pem(path: Path) -> bytes:
    return file.read(path, CannotListenError)


def _clear(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError:
        # Binding says what is wrong with the path, in better words.
        return
    if not stat.S_ISSOCK(mode):
        raise CannotListenError(f"cannot listen on {UNIX}{path}: the file is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise CannotListenError(f"cannot listen on {UNIX}{path}: {error.strerror}") from error
        else:
            raise CannotListenError(
                f"cannot listen on {UNIX}{path}: a server listens there already"
            )
