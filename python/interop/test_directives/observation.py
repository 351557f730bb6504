"""Records how observed calls end, until another call requests the record.

That call may arrive before the observed one has ended, or even begun, so the registry stores
records as well as the callbacks that wait for one. Nothing here blocks, so threads and asyncio can
both use it.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from interop.grpc_types import Metadata

_T = TypeVar("_T")

End: TypeAlias = Literal["completed", "cancelled"]

# For a call without a deadline, grpcio on threads reports a remaining time of some 292 years.
_NO_DEADLINE_SECONDS = 1e9


@dataclass(frozen=True)
class CallRecord:
    """How a call ended, and the seconds that it had left when it began."""

    end: End
    time_remaining: float | None

    def metadata(self) -> Metadata:
        """Return the record as trailing metadata."""
        end = ("x-interop-observed-end", self.end)
        if self.time_remaining is None or self.time_remaining > _NO_DEADLINE_SECONDS:
            return (end,)
        return (end, ("x-interop-observed-deadline-ms", str(int(self.time_remaining * 1000))))


class Registry:
    """The records of observed calls, by the names of the observations; each is returned once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Empty queues are removed: each test uses new names, and a server may run for many tests.
        self._records: dict[str, deque[CallRecord]] = {}
        self._waiting: dict[str, deque[Callable[[CallRecord], object]]] = {}

    def add(self, name: str, record: CallRecord) -> None:
        """Pass a record to the callback that waits longest, or store it for the next one."""
        with self._lock:
            callback = _pop_first(self._waiting, name)
            if callback is None:
                self._records.setdefault(name, deque()).append(record)
                return
        callback(record)

    def request(self, name: str, callback: Callable[[CallRecord], object]) -> None:
        """Call `callback` with a record of this name, now or as soon as there is one."""
        with self._lock:
            record = _pop_first(self._records, name)
            if record is None:
                self._waiting.setdefault(name, deque()).append(callback)
                return
        callback(record)

    def cancel(self, name: str, callback: Callable[[CallRecord], object]) -> None:
        """Remove a callback that still waits."""
        with self._lock:
            waiting = self._waiting.get(name, deque())
            if callback in waiting:
                waiting.remove(callback)
                if not waiting:
                    del self._waiting[name]


def _pop_first(queues: dict[str, deque[_T]], name: str) -> _T | None:
    if name not in queues:
        return None
    first = queues[name].popleft()
    if not queues[name]:
        del queues[name]
    return first


class Observation:
    """One observed call; only the first recorded end counts."""

    def __init__(self, registry: Registry, name: str, time_remaining: float | None) -> None:
        self._lock = threading.Lock()
        self._registry = registry
        self._name = name
        self._time_remaining = time_remaining
        self._has_ended = False

    def end(self, end: End) -> None:
        """Record the end, unless one has been recorded already."""
        with self._lock:
            if self._has_ended:
                return
            self._has_ended = True
        self._registry.add(self._name, CallRecord(end, self._time_remaining))
