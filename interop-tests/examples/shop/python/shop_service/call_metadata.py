"""The metadata of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import grpc

DEFAULT_LOCALE = "en"

_LOCALES = ("de", "en", "fr")
_REQUEST_ID = "shop-request-id-bin"


def locale(context: grpc.ServicerContext) -> str:
    """Return the language of a call."""
    requested = _first(context, "shop-locale")
    return requested if isinstance(requested, str) and requested in _LOCALES else DEFAULT_LOCALE


def return_request_id(context: grpc.ServicerContext) -> None:
    """Return the id of the request in the initial metadata, if it has one."""
    request_id = _first(context, _REQUEST_ID)
    if request_id is not None:
        context.send_initial_metadata(((_REQUEST_ID, request_id),))


def _first(context: grpc.ServicerContext, key: str) -> str | bytes | None:
    return next((value for name, value in context.invocation_metadata() if name == key), None)
