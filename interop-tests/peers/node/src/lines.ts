/**
 * Lines of JSON, and the raw bytes of messages that follow a line.
 *
 * A message is hex digits, or `{"bytes": N}`; then its bytes follow the line, in the order of these
 * objects.
 */

import type { Readable } from "node:stream";

// A smaller message is written in hex, so that logs stay readable.
const SMALLEST_RAW = 1024;
const LINE_FEED = 0x0a;

/** Reads requests from a stream. */
export class RequestReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #unread: Buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.#chunks = stream.iterator();
  }

  /** The next request, in which raw messages are bytes; undefined at the end. */
  async next(): Promise<unknown> {
    while (!this.#unread.includes(LINE_FEED)) {
      if (!(await this.#fill(this.#unread.length + 1))) {
        return undefined;
      }
    }
    const line = this.#take(this.#unread.indexOf(LINE_FEED) + 1);
    return this.#withMessages(JSON.parse(line.toString()));
  }

  /** The value with the bytes of each raw message in place of its object. */
  async #withMessages(value: unknown): Promise<unknown> {
    if (typeof value !== "object" || value === null) {
      return value;
    }
    const object = value as Record<string, unknown>;
    if (Object.keys(object).join() === "bytes" && typeof object.bytes === "number") {
      if (!(await this.#fill(object.bytes))) {
        throw new Error(`stdin ended within the ${object.bytes} bytes of a message`);
      }
      return this.#take(object.bytes);
    }
    for (const key of Object.keys(object)) {
      object[key] = await this.#withMessages(object[key]);
    }
    return object;
  }

  /** Reads until `length` bytes are unread; false if the stream ends before that. */
  async #fill(length: number): Promise<boolean> {
    const parts = [this.#unread];
    for (let size = this.#unread.length; size < length; ) {
      const { done, value } = await this.#chunks.next();
      if (done) {
        return false;
      }
      parts.push(value);
      size += value.length;
    }
    this.#unread = Buffer.concat(parts);
    return true;
  }

  #take(length: number): Buffer {
    const taken = this.#unread.subarray(0, length);
    this.#unread = this.#unread.subarray(length);
    return taken;
  }
}

/** The outcome of a request as a line, and the messages that follow it. */
export function encoded<Call extends { replies?: Buffer[] }>(outcome: {
  calls?: Call[];
  not_supported?: string;
}): Buffer {
  const raw: Buffer[] = [];
  function message(bytes: Buffer): string | { bytes: number } {
    if (bytes.length < SMALLEST_RAW) {
      return bytes.toString("hex");
    }
    raw.push(bytes);
    return { bytes: bytes.length };
  }
  const calls = outcome.calls?.map((call) => ({ ...call, replies: call.replies?.map(message) }));
  return Buffer.concat([Buffer.from(`${JSON.stringify({ ...outcome, calls })}\n`), ...raw]);
}
