"""Keeps in mind how observed calls ended, until another call asks for it.

The call that asks may come before the observed one has ended, or has even begun, so both sides
leave here what they have: what was seen, or what to do with it. Nothing here waits, so that it
serves threads and asyncio alike.
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

# Without a deadline grpcio's threads tell some 292 years.
_NO_DEADLINE_SECONDS = 1e9


@dataclass(frozen=True)
class Seen:
    """How a call ended, and how many seconds it had left when it began."""

    end: End
    time_remaining: float | None

    def metadata(self) -> Metadata:
        """Tell it as trailing metadata."""
        end = ("x-interop-observed-end", self.end)
        if self.time_remaining is None or self.time_remaining > _NO_DEADLINE_SECONDS:
            return (end,)
        return (end, ("x-interop-observed-deadline-ms", str(int(self.time_remaining * 1000))))


class Registry:
    """What was seen of calls, by the names under which they are observed; told once each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Neither has an empty queue: names are new in every test, and a server may outlive many.
        self._seen: dict[str, deque[Seen]] = {}
        self._waiting: dict[str, deque[Callable[[Seen], object]]] = {}

    def keep(self, name: str, seen: Seen) -> None:
        """Give what was seen to the longest waiting, or keep it for who asks next."""
        with self._lock:
            tell = _take_first(self._waiting, name)
            if tell is None:
                self._seen.setdefault(name, deque()).append(seen)
                return
        tell(seen)

    def ask(self, name: str, tell: Callable[[Seen], object]) -> None:
        """Have `tell` called with what was seen, now or when it has been seen."""
        with self._lock:
            seen = _take_first(self._seen, name)
            if seen is None:
                self._waiting.setdefault(name, deque()).append(tell)
                return
        tell(seen)

    def withdraw(self, name: str, tell: Callable[[Seen], object]) -> None:
        """Take back a question that has not been answered."""
        with self._lock:
            waiting = self._waiting.get(name, deque())
            if tell in waiting:
                waiting.remove(tell)
                if not waiting:
                    del self._waiting[name]


def _take_first(queues: dict[str, deque[_T]], name: str) -> _T | None:
    if name not in queues:
        return None
    first = queues[name].popleft()
    if not queues[name]:
        del queues[name]
    return first


class Observation:
    """One observed call; the first end that is noted is the one that counts."""

    def __init__(self, registry: Registry, name: str, time_remaining: float | None) -> None:
        self._lock = threading.Lock()
        self._registry = registry
        self._name = name
        self._time_remaining = time_remaining
        self._has_ended = False

    def end(self, end: End) -> None:
        """Note the end, unless one has been noted already."""
        with self._lock:
            if self._has_ended:
                return
            self._has_ended = True
        self._registry.keep(self._name, Seen(end, self._time_remaining))
