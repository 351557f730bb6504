"""Runs the script of a call on threads, in a thread for each call.

grpcio reads requests from an iterator in a thread of its own. The queue between the two threads has
the effect that sending never waits for the network, nor for a call that has already ended.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Any

import grpc

from interop.client import outcome
from interop.client.kind import Kind, multicallable
from interop.client.script import Cancel, HalfClose, Pause, Receive, Send

if TYPE_CHECKING:
    from interop.client.scenario import Call
    from interop.client.script import Script

_END_OF_REQUESTS = object()

# grpcio converts the argument `compression` to this metadata, except in
# `_StreamUnaryMultiCallable.future` (1.85.1), where the argument has no effect.
_COMPRESSION_REQUEST = "grpc-internal-encoding-request"


class ScriptedCall:
    """A call that runs its script; `rpc` is grpcio's object for the call."""

    def __init__(self, call: Call, script: Script, channel: grpc.Channel) -> None:
        self._script = script
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._responses: list[bytes] = []
        self._is_cancelled = False
        self._failure: Exception | None = None
        invoke = multicallable(channel, call.method, script.kind, is_stub=script.is_stub)
        options = call.options()
        if script.kind is Kind.CLIENT_STREAMING and call.compression is not None:
            options["metadata"] += ((_COMPRESSION_REQUEST, call.compression.name.lower()),)
        if not script.kind.has_many_responses:
            invoke = invoke.future
        request: object
        if script.kind.has_many_requests:
            request = iter(self._requests.get, _END_OF_REQUESTS)
        else:
            request = script.single_request()
        self.rpc = invoke(request, **options)
        self._thread = threading.Thread(target=self._run, name="script", daemon=True)
        self._thread.start()

    def responses(self) -> list[bytes]:
        """Wait for the end of the script, and return the responses that it received.

        Raises the exception of a step that did not result from the end of the call.
        """
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._responses

    def _run(self) -> None:
        try:
            self._run_steps()
            if not self._is_cancelled:
                self._end()
        except Exception as error:  # noqa: BLE001 - raised by responses(), in the thread of the caller
            self._failure = error
        finally:
            # Without this, grpcio's thread would wait for more requests forever.
            self._requests.put(_END_OF_REQUESTS)

    def _run_steps(self) -> None:
        for step in self._script.steps:
            match step:
                case Send(message) if self._script.kind.has_many_requests:
                    self._requests.put(message)
                case HalfClose():
                    self._requests.put(_END_OF_REQUESTS)
                case Receive(responses):
                    self._receive(responses)
                case Pause(seconds):
                    time.sleep(seconds)
                case Cancel():
                    self.rpc.cancel()
                    self._is_cancelled = True

    def _receive(self, maximum: int | None = None) -> None:
        try:
            while maximum is None or maximum > 0:
                self._responses.append(outcome.response_as_bytes(next(self.rpc)))
                maximum = None if maximum is None else maximum - 1
        # The call has ended; the agent reports its status.
        except (StopIteration, grpc.RpcError):
            pass

    def _end(self) -> None:
        self._requests.put(_END_OF_REQUESTS)
        if self._script.kind.has_many_responses:
            self._receive()
        elif self.rpc.code() is grpc.StatusCode.OK:
            response = self.rpc.result()
            # If the status is OK but there was no message, the result is None (grpcio 1.85.1).
            if response is not None:
                self._responses.append(outcome.response_as_bytes(response))
