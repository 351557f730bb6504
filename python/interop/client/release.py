"""Tells which grpcio this is, for what the agents do only because of defects of older ones.

What old packages cannot do is found out by asking them for it; of a defect only the version tells.
"""

from __future__ import annotations

import grpc


def is_before(major: int, minor: int) -> bool:
    """Tell whether this grpcio is older than that."""
    this = grpc.__version__.split(".")
    return (int(this[0]), int(this[1])) < (major, minor)
