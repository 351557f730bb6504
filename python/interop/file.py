"""Reads a file that the command line or a scenario names.

Whoever named it is told in the error that its reader has for mistakes of that kind.
"""

from __future__ import annotations

from pathlib import Path


def read(path: str | Path, error: type[Exception]) -> bytes:
    """Read all of a file; raise `error` with the path and the reason if that cannot be."""
    try:
        return Path(path).read_bytes()
    except OSError as reason:
        raise error(f"cannot read {path}: {reason.strerror}") from reason
