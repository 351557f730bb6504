"""Reads a file that a command line or a scenario names.

The caller chooses the exception, because a server and an agent report errors in different ways.
"""

from __future__ import annotations

from pathlib import Path


def read(path: str | Path, error: type[Exception]) -> bytes:
    """Read a file; raise `error` with the path and the reason if it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as reason:
        raise error(f"cannot read {path}: {reason.strerror}") from reason
