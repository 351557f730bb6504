/** The agent: makes the calls of each request on stdin, and writes their outcome to stdout. */

import { prepare, run } from "./call.js";
import { withChannels } from "./channels.js";
import { encoded, RequestReader } from "./lines.js";
import type { Outcome } from "./outcome.js";
import { NotSupportedError, validated } from "./request.js";

async function outcomeOf(line: unknown): Promise<{ calls: Outcome[] } | { not_supported: string }> {
  try {
    const request = validated(line);
    const calls = request.calls.map(prepare);
    return await withChannels(request, async (channels) => {
      const started = calls.flatMap((call, index) => {
        const channel = channels[index % channels.length];
        return channel === undefined ? [] : [run(call, channel)];
      });
      return { calls: await Promise.all(started) };
    });
  } catch (error) {
    if (error instanceof NotSupportedError) {
      return { not_supported: error.message };
    }
    throw error;
  }
}

const requests = new RequestReader(process.stdin);
for (let line = await requests.next(); line !== undefined; line = await requests.next()) {
  process.stdout.write(encoded(await outcomeOf(line)));
}
// At once, whatever channels are still open.
process.exit(0);
