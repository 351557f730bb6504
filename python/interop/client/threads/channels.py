"""Owns the agent's channels: opens them for a scenario and keeps them for the next if asked to."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import grpc

from interop.client import release
from interop.client.connection import connect
from interop.client.script import Cancel, Script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interop.client.scenario import Connections, Scenario

# 1.49.1 sometimes stands still, with the interpreter's lock, when a channel is closed that still
# connects, as after a call that was cancelled when it began. 1.68.1 was not seen to.
_CLOSES_WHILE_CONNECTING = (1, 68)
_CONNECTS_IN = 1.0


class ChannelPool:
    """The channels that outlive the scenario they were opened for."""

    def __init__(self) -> None:
        self._kept: dict[Connections, list[grpc.Channel]] = {}

    @contextlib.contextmanager
    def lend(self, scenario: Scenario) -> Iterator[list[grpc.Channel]]:
        """Lend the channels that a scenario asks for."""
        asked = scenario.connections
        channels = self._kept.pop(asked, None) or connect(
            asked, grpc.insecure_channel, grpc.secure_channel
        )
        try:
            yield channels
        finally:
            if scenario.keep_channels:
                self._kept[asked] = channels
            else:
                if _is_cancelled(scenario) and release.is_before(*_CLOSES_WHILE_CONNECTING):
                    _let_connect(channels)
                _close(channels)

    def close(self) -> None:
        """Close what was kept."""
        for channels in self._kept.values():
            _close(channels)
        self._kept.clear()


def _is_cancelled(scenario: Scenario) -> bool:
    scripts = [call.request for call in scenario.calls if isinstance(call.request, Script)]
    return any(isinstance(step, Cancel) for script in scripts for step in script.steps)


def _let_connect(channels: list[grpc.Channel]) -> None:
    for channel in channels:
        with contextlib.suppress(grpc.FutureTimeoutError):
            grpc.channel_ready_future(channel).result(timeout=_CONNECTS_IN)


def _close(channels: list[grpc.Channel]) -> None:
    for channel in channels:
        channel.close()
