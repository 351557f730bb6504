"""The channels of the agent: opened for a scenario, and kept for the next one on request."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import grpc

from interop.client import grpcio_version
from interop.client.connection import connect
from interop.client.script import Cancel, Script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interop.client.scenario import Connections, Scenario

# grpcio 1.49.1 sometimes deadlocks, with the GIL held, when a channel is closed that is still
# connecting, as after a call that was cancelled when it began. This was not observed with 1.68.1.
_CLOSE_WHILE_CONNECTING_FIXED_IN = (1, 68)
_CONNECT_SECONDS = 1.0


class ChannelPool:
    """Opens and closes channels; keeps those that later scenarios may use again."""

    def __init__(self) -> None:
        self._kept: dict[Connections, list[grpc.Channel]] = {}

    @contextlib.contextmanager
    def lend(self, scenario: Scenario) -> Iterator[list[grpc.Channel]]:
        """Open or reuse the channels of a scenario; close or keep them after it."""
        connections = scenario.connections
        channels = self._kept.pop(connections, None) or connect(
            connections, grpc.insecure_channel, grpc.secure_channel
        )
        try:
            yield channels
        finally:
            if scenario.keep_channels:
                self._kept[connections] = channels
            else:
                if _is_cancelled(scenario) and grpcio_version.is_older_than(
                    *_CLOSE_WHILE_CONNECTING_FIXED_IN
                ):
                    _wait_until_connected(channels)
                _close(channels)

    def close(self) -> None:
        """Close the channels that were kept."""
        for channels in self._kept.values():
            _close(channels)
        self._kept.clear()


def _is_cancelled(scenario: Scenario) -> bool:
    scripts = [call.request for call in scenario.calls if isinstance(call.request, Script)]
    return any(isinstance(step, Cancel) for script in scripts for step in script.steps)


def _wait_until_connected(channels: list[grpc.Channel]) -> None:
    for channel in channels:
        with contextlib.suppress(grpc.FutureTimeoutError):
            grpc.channel_ready_future(channel).result(timeout=_CONNECT_SECONDS)


def _close(channels: list[grpc.Channel]) -> None:
    for channel in channels:
        channel.close()
