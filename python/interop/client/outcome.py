"""Converts the outcome of a call to plain data for JSON, in which messages are bytes.

The server may send any bytes as the details of a status, so details that cannot be parsed are not
an error.
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

# Raised if grpc-status-details-bin is not a Status, or if its code or message is not the call's.
UNREADABLE = (DecodeError, ValueError)


def without_response(status: str, message: str, started: float, completed: float) -> Outcome:
    """Return an outcome without a response; times are of time.monotonic()."""
    return {
        "status": status,
        "message": message,
        "value": None,
        "initial_metadata": [],
        "trailing_metadata": [],
        "elapsed_ms": round((completed - started) * 1000, 3),
    }


def rejected(error: Exception, started: float) -> Outcome:
    """Return the outcome of a call for which grpcio's client raised an exception."""
    return without_response("CLIENT_ERROR", str(error), started, time.monotonic())


def metadata_as_text(metadata: Iterable[Metadatum] | None) -> list[tuple[str, str]]:
    """Return metadata with binary values in hex."""
    return [
        (key, value.hex() if isinstance(value, bytes) else value) for key, value in metadata or ()
    ]


def response_as_bytes(response: Any) -> bytes:  # noqa: ANN401 - bytes, or a message of any type
    """Return the bytes of a response."""
    wire: bytes = response if isinstance(response, bytes) else response.SerializeToString()
    return wire


def details(status: Status) -> Outcome:
    """Return the details of a status, with the field violations of its BadRequest."""
    violations = []
    for detail in status.details:
        bad_request = BadRequest()
        if detail.Unpack(bad_request):
            violations += [(each.field, each.description) for each in bad_request.field_violations]
    return {"code": status.code, "message": status.message, "violations": violations}
