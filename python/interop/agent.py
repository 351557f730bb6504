"""The client agent on threads: a scenario on each line of stdin, its outcome on a line of stdout.

One agent runs many scenarios, because starting Python and importing grpcio takes longer than the
calls of most scenarios. The agent reports outcomes and does not judge them.
"""

from __future__ import annotations

import argparse
import signal
import sys
from typing import Any

from interop import parent_watch
from interop.client import lines, scenario
from interop.client.fields import NotSupportedError
from interop.client.threads import call
from interop.client.threads.channels import ChannelPool


def _run(line: object, pool: ChannelPool) -> dict[str, Any]:
    try:
        request = scenario.read(line)
        with pool.lend(request) as channels:
            started = [
                call.start(each, channels[index % len(channels)])
                for index, each in enumerate(request.calls)
            ]
            return {"calls": [finish() for finish in started]}
    except NotSupportedError as reason:
        return {"not_supported": str(reason)}


def main() -> int:
    """Run the scenario in each line of stdin."""
    argparse.ArgumentParser(prog="interop.agent", description=__doc__).parse_args()
    # Ctrl-C reaches the whole process group; a traceback from here would only hide the report.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent_watch.exit_when_stdout_breaks()
    pool = ChannelPool()
    try:
        for request in lines.requests(sys.stdin.buffer):
            lines.write(_run(request, pool), sys.stdout.buffer)
    except lines.BadLineError as error:
        print(f"interop.agent: {error}", file=sys.stderr)
        return 2
    pool.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
