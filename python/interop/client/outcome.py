"""Tells the outcome of a call as plain data, ready for JSON.

The details of a status are whatever the server sent, so rubbish among them is nothing to fail on.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeAlias

from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.rpc.status_pb2 import Status

    from interop.grpc_types import Metadatum

Outcome: TypeAlias = "dict[str, Any]"

# What reading grpc-status-details-bin raises: it is no Status, or one of another call.
UNREADABLE = (DecodeError, ValueError)


def begun(status: str, message: str, started: float, completed: float) -> Outcome:
    """Tell an outcome without a reply; times are of time.monotonic()."""
    return {
        "status": status,
        "message": message,
        "value": None,
        "initial_metadata": [],
        "trailing_metadata": [],
        "elapsed_ms": round((completed - started) * 1000, 3),
    }


def refused(error: Exception, started: float) -> Outcome:
    """Tell that the client refused the call: whatever a Python user would get is the outcome."""
    return begun("CLIENT_ERROR", str(error), started, time.monotonic())


def readable(metadata: Iterable[Metadatum] | None) -> list[tuple[str, str]]:
    """Tell metadata with the hex of what is bytes."""
    return [
        (key, value.hex() if isinstance(value, bytes) else value) for key, value in metadata or ()
    ]


def in_bytes(reply: Any) -> str:  # noqa: ANN401 - bytes, or a message of any type
    """Tell the hex of a reply's bytes."""
    wire: bytes = reply if isinstance(reply, bytes) else reply.SerializeToString()
    return wire.hex()


def details(status: Status) -> Outcome:
    """Tell the fields that a status blames."""
    violations = []
    for detail in status.details:
        bad_request = BadRequest()
        if detail.Unpack(bad_request):
            violations += [(each.field, each.description) for each in bad_request.field_violations]
    return {"code": status.code, "message": status.message, "violations": violations}
