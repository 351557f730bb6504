"""The error of a request with an invalid value, and the status details that name the field.

The message repeats the details, because most clients show only the message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.any_pb2 import Any
from google.rpc.code_pb2 import INVALID_ARGUMENT
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

if TYPE_CHECKING:
    from interop.grpc_types import Metadata


class InvalidArgumentError(Exception):
    """A request is invalid; `description` is the reason, `field` the invalid field, if any."""

    def __init__(self, description: str, field: str | None = None) -> None:
        super().__init__(description if field is None else f"{field} {description}")
        self._description = description
        self._field = field

    def trailing_metadata(self) -> Metadata:
        """Return a google.rpc.Status with a BadRequest that names the field, if there is one."""
        if self._field is None:
            return ()
        violation = BadRequest.FieldViolation(field=self._field, description=self._description)
        detail = Any()
        detail.Pack(BadRequest(field_violations=[violation]))
        status = Status(code=INVALID_ARGUMENT, message=str(self), details=[detail])
        return tuple(rpc_status.to_status(status).trailing_metadata or ())
