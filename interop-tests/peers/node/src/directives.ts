/**
 * Follows the test directives in the metadata of a call.
 *
 * An interceptor does this, so that the handlers contain only the code of a normal server.
 */

import { setTimeout } from "node:timers/promises";
import { Metadata, ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";
import { type CallEnd, Observations } from "./observations.js";

type Method = Parameters<ServerInterceptor>[0];
type NextCall = Parameters<ServerInterceptor>[1];
type Listener = Parameters<NextCall["start"]>[0];
type PartialStatus = Parameters<NextCall["sendStatus"]>[0];
type Directives = ReturnType<typeof parse>;

const PREFIX = "x-interop-";
const ECHO_INITIAL = "x-grpc-test-echo-initial";
const ECHO_TRAILING = "x-grpc-test-echo-trailing-bin";
// grpc-js cannot compress responses (1.14.7), so only the value is checked.
const COMPRESSIONS = ["gzip", "deflate", "identity"];
// Node's HTTP/2 client ends a stream before it resets it: a cancellation first looks like an end.
const SETTLE_MS = 50;

class InvalidDirectiveError extends Error {}

/** An interceptor that follows the directives of each call. */
export function testDirectives(): ServerInterceptor {
  const observations = new Observations();
  return (method, call) => new DirectedCall(method, call, observations);
}

function parse(metadata: Metadata) {
  const names = new Set(Object.keys(metadata.getMap()).filter((name) => name.startsWith(PREFIX)));
  function take<Value>(name: string, read: (value: string) => Value): Value | undefined {
    names.delete(PREFIX + name);
    const [value] = metadata.get(PREFIX + name);
    try {
      return value === undefined
        ? undefined
        : read(typeof value === "string" ? value : utf8(value));
    } catch {
      throw new InvalidDirectiveError(`the metadata ${PREFIX}${name} has an invalid value`);
    }
  }
  const details = take("message-bin", String) ?? "";
  const directives = {
    delayMs: take("delay-ms", natural),
    status: take("status", (value) => ({
      code: oneOf(Object.keys(status), natural(value)),
      details,
    })),
    endAfter: take("end-after", natural),
    compression: take("compression", (value) => oneOf(COMPRESSIONS, value)),
    observe: take("observe", String),
    observed: take("observed", String),
  };
  for (const name of names) {
    throw new InvalidDirectiveError(`the metadata ${name} is not known`);
  }
  return directives;
}

function utf8(value: Buffer): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
}

function natural(value: string): number {
  if (!/^\d+$/.test(value)) {
    throw new RangeError("not a number");
  }
  return Number(value);
}

function oneOf<Value>(known: string[], value: Value): Value {
  if (!known.includes(String(value))) {
    throw new RangeError("not a known value");
  }
  return value;
}

function copy(key: string, from: Metadata, to: Metadata): void {
  for (const value of from.get(key)) {
    to.add(key, value);
  }
}

class DirectedCall extends ServerInterceptingCall {
  readonly #cancellation = new AbortController();
  readonly #trailing = new Metadata();
  #directives: Partial<Directives> = {};
  #requests = 0;
  #endRequests = () => {};
  /** Records how the call ends, once. */
  #observe = (_: CallEnd["end"]) => {};

  constructor(
    private readonly method: Method,
    call: NextCall,
    private readonly observations: Observations,
  ) {
    super(call);
  }

  override start(listener: Listener): void {
    this.#endRequests = () => listener.onReceiveHalfClose();
    super.start({
      onReceiveMetadata: async (metadata) => {
        if (await this.#begin(metadata)) {
          listener.onReceiveMetadata(metadata);
        }
      },
      onReceiveMessage: (message) => {
        this.#requests += 1;
        listener.onReceiveMessage(message);
      },
      onReceiveHalfClose: async () => {
        if (this.#directives.observe !== undefined && this.method.requestStream) {
          await setTimeout(SETTLE_MS);
        }
        if (!this.#cancellation.signal.aborted) {
          listener.onReceiveHalfClose();
        }
      },
      onCancel: () => {
        this.#observe("cancelled");
        this.#cancellation.abort();
        listener.onCancel();
      },
    });
  }

  override startRead(): void {
    if (this.method.requestStream && this.#requests === this.#directives.endAfter) {
      this.#endRequests();
    } else {
      super.startRead();
    }
  }

  override sendMessage(message: unknown, callback: () => void): void {
    if (this.#directives.status?.code && !this.method.responseStream) {
      this.sendStatus({ code: status.OK, details: "" });
    } else {
      super.sendMessage(message, callback);
    }
  }

  override sendStatus(sent: PartialStatus): void {
    this.#observe("completed");
    const metadata = sent.metadata?.clone() ?? new Metadata();
    metadata.merge(this.#trailing);
    const requested = sent.code === status.OK ? this.#directives.status : undefined;
    super.sendStatus({ ...sent, ...requested, metadata });
  }

  /** Follows the directives that come before the method; whether the method begins. */
  async #begin(metadata: Metadata): Promise<boolean> {
    const { signal } = this.#cancellation;
    try {
      this.#directives = parse(metadata);
      const { delayMs, observe, observed } = this.#directives;
      if (observe !== undefined) {
        const deadline = Number(this.getDeadline());
        this.#observe = this.observations.begin(observe, deadline - Date.now());
      }
      await (delayMs === undefined ? undefined : setTimeout(delayMs, undefined, { signal }));
      if (observed !== undefined) {
        const { end, remainingMs } = await this.observations.take(observed, signal);
        this.#trailing.set("x-interop-observed-end", end);
        if (Number.isFinite(remainingMs)) {
          this.#trailing.set("x-interop-observed-deadline-ms", String(Math.floor(remainingMs)));
        }
      }
    } catch (error) {
      if (error instanceof InvalidDirectiveError) {
        super.sendStatus({ code: status.INVALID_ARGUMENT, details: error.message });
      } else if (!signal.aborted) {
        throw error;
      }
      return false;
    }
    copy(ECHO_TRAILING, metadata, this.#trailing);
    const initial = new Metadata();
    copy(ECHO_INITIAL, metadata, initial);
    if (metadata.get(ECHO_INITIAL).length > 0) {
      super.sendMetadata(initial);
    }
    return true;
  }
}
