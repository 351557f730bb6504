"""Ends a process when the interop tool that started it ends.

A parent that was killed cannot stop its child processes, so a child watches a pipe, which the
kernel closes however the parent has ended.
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
    """Run `action` in a thread at the end of stdin."""

    def watch() -> None:
        # Not sys.stdin: the interpreter aborts at exit if a thread still holds its lock.
        stdin = 0
        while os.read(stdin, _CHUNK):
            pass
        action()

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


def exit_when_stdout_breaks() -> None:
    """Exit as soon as the read end of stdout is closed.

    For a process that reads its stdin only between calls: when its parent dies, it may be in a call
    without a deadline and would never notice the end of stdin.
    """
    watched = select.poll()
    # No event is requested: poll always reports error conditions, and only they matter here.
    watched.register(sys.stdout.fileno(), 0)

    def watch() -> None:
        if any(event & (select.POLLERR | select.POLLHUP) for _, event in watched.poll()):
            os._exit(1)

    threading.Thread(target=watch, name="parent watch", daemon=True).start()
