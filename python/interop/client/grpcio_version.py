"""Compares the version of grpcio, for workarounds of defects in older versions.

Missing features are detected by looking for them. A defect can only be recognised by the version.
"""

from __future__ import annotations

import grpc


def is_older_than(major: int, minor: int) -> bool:
    """Return whether the installed grpcio is older than this version."""
    this = grpc.__version__.split(".")
    return (int(this[0]), int(this[1])) < (major, minor)
