"""The calculators' server for tests, on grpcio's threads: any address, a clean end.

The document's server cannot say which port it got, and shares its port silently with a server
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
from interop import lifeline, listening
from interop.behaviour.threads import TestBehaviour
from interop.service import health, reflection
from interop.service.threads import CalculatorServicer, StreamingCalculatorServicer

# A stream has its thread until it ends, so these bound how many calls are answered at the same
# time. The document's 10 would let the hundred streams of a test wait for each other.
_WORKERS = 128
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def _server(asked: listening.Listening) -> grpc.Server:
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=_WORKERS),
        interceptors=[TestBehaviour()] if asked.test_behaviour else [],
        options=asked.options(),
    )
    calculator_pb2_grpc.add_CalculatorServicer_to_server(CalculatorServicer(), server)
    streaming_calculator_pb2_grpc.add_StreamingCalculatorServicer_to_server(
        StreamingCalculatorServicer(), server
    )
    if asked.health:
        health.add_to(server)
    if asked.reflection:
        reflection.add_to(server)
    return server


def main() -> int:
    """Serve until a signal arrives or, if asked to, until stdin closes."""
    asked = listening.read("interop.server")
    # Blocked before grpcio starts its threads, which inherit the mask: a signal that one of them
    # could take would kill the process instead of reaching sigwait below.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    server = _server(asked)
    try:
        address = asked.bind(server)
    except listening.CannotListenError as error:
        print(f"interop.server: {error}", file=sys.stderr)
        return 1
    server.start()
    print(f"Listening on {address}", flush=True)
    if asked.until_stdin_closes:
        lifeline.when_stdin_closes(lambda: os.kill(os.getpid(), signal.SIGTERM))
    signal.sigwait(_STOP_SIGNALS)
    server.stop(grace=None).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
