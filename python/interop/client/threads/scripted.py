"""Takes the steps of a script on grpcio's threads, in a thread for each call.

grpcio takes requests from an iterator in a thread of its own. A queue stands between, so that a
step that sends does not wait for the network, and a call that has ended never keeps a step.
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

# What grpcio makes of `compression=`, and leaves out of a future with a stream of requests (grpcio
# 1.85.1, `_StreamUnaryMultiCallable.future`), while the same call that blocks compresses.
_COMPRESSION_REQUEST = "grpc-internal-encoding-request"


class ScriptedCall:
    """A call that has begun and goes through its script; `rpc` is what grpcio has for it."""

    def __init__(self, call: Call, script: Script, channel: grpc.Channel) -> None:
        self._script = script
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._replies: list[str] = []
        self._is_cancelled = False
        self._failure: Exception | None = None
        invoke = multicallable(channel, call.method, script.kind, is_stub=script.is_stub)
        options = call.options()
        if script.kind is Kind.CLIENT_STREAMING and call.compression is not None:
            options["metadata"] += ((_COMPRESSION_REQUEST, call.compression.name.lower()),)
        if not script.kind.has_many_replies:
            invoke = invoke.future
        request: object
        if script.kind.has_many_requests:
            request = iter(self._requests.get, _END_OF_REQUESTS)
        else:
            request = script.only_request()
        self.rpc = invoke(request, **options)
        self._thread = threading.Thread(target=self._go_through, name="script", daemon=True)
        self._thread.start()

    def replies(self) -> list[str]:
        """Wait for the end of the script and tell the replies that it received, in hex.

        What goes wrong in a step without being the call's end is raised here.
        """
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._replies

    def _go_through(self) -> None:
        try:
            self._take_steps()
            if not self._is_cancelled:
                self._end()
        except Exception as error:  # noqa: BLE001 - a thread's error would end nothing but itself
            self._failure = error
        finally:
            # grpcio's thread waits for requests until it is told that there are no more.
            self._requests.put(_END_OF_REQUESTS)

    def _take_steps(self) -> None:
        for step in self._script.steps:
            match step:
                case Send(message) if self._script.kind.has_many_requests:
                    self._requests.put(message)
                case HalfClose():
                    self._requests.put(_END_OF_REQUESTS)
                case Receive(replies):
                    self._receive(replies)
                case Pause(seconds):
                    time.sleep(seconds)
                case Cancel():
                    self.rpc.cancel()
                    self._is_cancelled = True

    def _receive(self, most: int | None = None) -> None:
        try:
            while most is None or most > 0:
                self._replies.append(outcome.in_bytes(next(self.rpc)))
                most = None if most is None else most - 1
        # How it ended is told by its status.
        except (StopIteration, grpc.RpcError):
            pass

    def _end(self) -> None:
        self._requests.put(_END_OF_REQUESTS)
        if self._script.kind.has_many_replies:
            self._receive()
        elif self.rpc.code() is grpc.StatusCode.OK:
            reply = self.rpc.result()
            # An OK without a message has no result (grpcio 1.85.1).
            if reply is not None:
                self._replies.append(outcome.in_bytes(reply))
