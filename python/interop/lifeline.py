"""Ties a helper process to the interop tool that started it.

A parent that was killed cannot tidy up, so a helper watches a pipe that the kernel closes
however the parent ended.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 4096


def when_stdin_closes(action: Callable[[], object]) -> None:
    """Run `action` once stdin reports its end."""

    def watch() -> None:
        # Not sys.stdin: a thread that sits inside its lock makes the interpreter abort at exit.
        stdin = 0
        while os.read(stdin, _CHUNK):
            pass
        action()

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def exit_when_stdout_breaks() -> None:
    """End the process as soon as nobody can read its stdout any more.

    For a process that may be in the middle of a call without a deadline when its parent dies,
    and therefore cannot be relied on to notice the end of its stdin.
    """
    watched = select.poll()
    # No event is asked for: the error conditions are always reported, and only they matter.
    watched.register(sys.stdout.fileno(), 0)

    def watch() -> None:
        if any(event & (select.POLLERR | select.POLLHUP) for _, event in watched.poll()):
            os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
