"""The client agent on asyncio: the same as the one on threads, to whoever asks it.

grpcio has two clients that share little code above the core, and they differ in what they tell of
the same answer, so each has to be compared.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from typing import Any

from interop import lifeline
from interop.client import scenario
from interop.client.aio import call, lost
from interop.client.aio.channels import ChannelPool
from interop.client.fields import NotSupportedError


async def _answer(line: object, pool: ChannelPool) -> dict[str, Any]:
    try:
        asked = scenario.read(line)
        async with pool.lend(asked) as channels:
            started = [
                call.start(each, channels[index % len(channels)])
                for index, each in enumerate(asked.calls)
            ]
            outcomes = [await each for each in started]
            if reason := lost.reason(outcomes):
                return {"not_supported": reason}
            return {"calls": outcomes}
    except NotSupportedError as reason:
        return {"not_supported": str(reason)}


async def _answer_all() -> int:
    pool = ChannelPool()
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        try:
            decoded = json.loads(line)
        except ValueError as error:
            print(f"interop.aio_agent: a line is not JSON: {error}", file=sys.stderr)
            return 2
        print(json.dumps(await _answer(decoded, pool), separators=(",", ":")), flush=True)
    await pool.close()
    return 0


def main() -> int:
    """Answer every line of stdin."""
    argparse.ArgumentParser(prog="interop.aio_agent", description=__doc__).parse_args()
    # Ctrl-C reaches the whole process group; a traceback from here would only hide the report.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    lifeline.exit_when_stdout_breaks()
    return asyncio.run(_answer_all())


if __name__ == "__main__":
    sys.exit(main())
