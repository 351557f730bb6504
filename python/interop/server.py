"""The server for tests on threads: listens at any address and shuts down cleanly.

The tutorial's server cannot report which port it got, and silently shares its port with a server
that an earlier run left behind.
"""

from __future__ import annotations

import os
import signal
import sys
from concurrent import futures

import grpc

import calculator_pb2_grpc
import streaming_calculator_pb2_grpc
from interop import parent_watch, server_options
from interop.service import health, reflection
from interop.service.threads import CalculatorServicer, StreamingCalculatorServicer
from interop.test_directives.threads import TestDirectives

# A stream occupies a thread until it ends, so this limits the number of concurrent calls. With the
# tutorial's 10 threads, the hundred concurrent streams of a test would wait for each other.
_WORKERS = 128
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def _server(options: server_options.ServerOptions) -> grpc.Server:
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=_WORKERS),
        interceptors=[TestDirectives()] if options.test_behaviour else [],
        options=options.channel_arguments(),
    )
    calculator_pb2_grpc.add_CalculatorServicer_to_server(CalculatorServicer(), server)
    streaming_calculator_pb2_grpc.add_StreamingCalculatorServicer_to_server(
        StreamingCalculatorServicer(), server
    )
    if options.health:
        health.add_to(server)
    if options.reflection:
        reflection.add_to(server)
    return server


def main() -> int:
    """Serve until a signal arrives or, with --until-stdin-closes, until stdin closes."""
    options = server_options.read("interop.server")
    # Blocked before grpcio starts its threads, which inherit the mask: if one of them received the
    # signal, it would kill the process instead of reaching sigwait below.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    server = _server(options)
    try:
        address = options.bind(server)
    except server_options.CannotListenError as error:
        print(f"interop.server: {error}", file=sys.stderr)
        return 1
    server.start()
    print(f"Listening on {address}", flush=True)
    if options.until_stdin_closes:
        parent_watch.when_stdin_closes(lambda: os.kill(os.getpid(), signal.SIGTERM))
    signal.sigwait(_STOP_SIGNALS)
    server.stop(grace=None).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
