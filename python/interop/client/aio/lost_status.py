"""Detects calls on asyncio whose status grpcio has lost.

With grpcio 1.68.1, a call that ends before its requests are sent sometimes raises asyncio's
InvalidStateError instead of returning its status, so there is no outcome to report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from interop.client import grpcio_version

if TYPE_CHECKING:
    from interop.client.outcome import Outcome

# Not observed since this version, with which such an error is reported like any other outcome.
_FIXED_IN = (1, 85)
_ERROR = {"status": "CLIENT_ERROR", "message": "invalid state"}


def reason(outcomes: list[Outcome]) -> str | None:
    """Return why the scenario is not supported if a status was lost; None otherwise."""
    is_lost = any(_ERROR.items() <= outcome.items() for outcome in outcomes)
    if not is_lost or not grpcio_version.is_older_than(*_FIXED_IN):
        return None
    return f"grpcio {grpc.__version__} has lost the status of a call on asyncio"
