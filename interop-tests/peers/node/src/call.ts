/**
 * Makes one call of any kind, through a generated client or with bytes, and returns its outcome.
 *
 * A client for bytes is made like those of the services, so both take the same path in grpc-js.
 */

import type { EventEmitter } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import * as grpc from "@grpc/grpc-js";
import { type Outcome, outcomeOf } from "./outcome.js";
import { Calculator, clientOf } from "./protos.js";
import { type Call, NotSupportedError, type Step } from "./request.js";

type Definition = grpc.MethodDefinition<unknown, unknown>;
type Kind = Pick<Definition, "requestStream" | "responseStream">;
/** What the four kinds of calls of grpc-js have, each a part of it. */
type Rpc = EventEmitter & Writable & Readable & { cancel(): void };

const KINDS: Record<string, Kind> = {
  unary: { requestStream: false, responseStream: false },
  "client-streaming": { requestStream: true, responseStream: false },
  "server-streaming": { requestStream: false, responseStream: true },
  bidirectional: { requestStream: true, responseStream: true },
};
const { SquareRoot } = Calculator.service;

/** A call whose messages have been read, so that nothing but the call itself can fail. */
interface PreparedCall {
  call: Call;
  client: grpc.ServiceClientConstructor;
  name: string;
  definition: Definition;
  steps: (Step & { request?: unknown })[];
}

/** Finds the method, and reads the messages. */
export function prepare(call: Call): PreparedCall {
  const kind = KINDS[call.kind ?? "unary"];
  if (kind === undefined) {
    throw new NotSupportedError(`there is no kind "${call.kind}"`);
  }
  const [, service = "", name = ""] = call.method.split("/");
  const isStub = call.stub === true || call.value !== undefined;
  const client = isStub ? clientOf(service) : clientForBytes(call.method, name, kind);
  const definition = client?.service[name];
  if (
    client === undefined ||
    definition?.requestStream !== kind.requestStream ||
    definition.responseStream !== kind.responseStream
  ) {
    throw new NotSupportedError(`no stub has a method ${call.method} of this kind`);
  }
  const steps = stepsOf(call).map((step) => ({ ...step, ...requestOf(step, definition) }));
  if (!kind.requestStream && steps[0]?.send === undefined) {
    throw new NotSupportedError("the script of a call with one request does not begin with it");
  }
  return { call, client, name, definition, steps };
}

function stepsOf(call: Call): Step[] {
  if (call.value !== undefined) {
    const value = Buffer.from(call.value, "hex").readFloatBE();
    return [{ send: SquareRoot.requestSerialize({ value }) }];
  }
  return call.script ?? [{ send: call.message ?? "" }];
}

function requestOf({ send }: Step, definition: Definition): { request?: unknown } {
  if (send === undefined) {
    return {};
  }
  const bytes = typeof send === "string" ? Buffer.from(send, "hex") : send;
  try {
    return { request: definition.requestDeserialize(bytes) };
  } catch {
    throw new NotSupportedError(`a message cannot be read as a request of ${definition.path}`);
  }
}

function clientForBytes(path: string, name: string, kind: Kind): grpc.ServiceClientConstructor {
  const same = (message: Buffer) => message;
  const requests = { requestSerialize: same, requestDeserialize: same };
  const responses = { responseSerialize: same, responseDeserialize: same };
  return grpc.makeGenericClientConstructor(
    { [name]: { path, ...kind, ...requests, ...responses } },
    path,
  );
}

/** Starts a call at once, runs its script, and returns its outcome. */
export async function run(prepared: PreparedCall, channel: grpc.Channel): Promise<Outcome> {
  const { call, definition } = prepared;
  const started = performance.now();
  const responses: unknown[] = [];
  let failure: grpc.ServiceError | null = null;
  let initial = new grpc.Metadata();
  let rpc: Rpc;
  try {
    rpc = start(prepared, channel, (error, response) => {
      failure = error;
      responses.push(...(error === null ? [response] : []));
    });
  } catch (error) {
    const details = error instanceof Error ? error.message : String(error);
    return outcomeOf("CLIENT_ERROR", { details, metadata: initial }, started);
  }
  rpc.on("metadata", (metadata: grpc.Metadata) => {
    initial = metadata;
  });
  // The status has the error. Without a listener, Node would end the process.
  rpc.on("error", () => {});
  const ended = new Promise<Outcome>((resolve) => {
    rpc.on("status", (received: grpc.StatusObject) => {
      // A call without a response fails although its status is OK.
      const last = failure ?? received;
      resolve(outcomeOf(grpc.status[last.code] ?? "UNKNOWN", last, started, initial));
    });
  });
  await runScript(prepared, rpc, responses);
  const outcome = await ended;
  const replies = responses.map((response) => definition.responseSerialize(response));
  if (call.script !== undefined) {
    return { ...outcome, replies };
  }
  return { ...outcome, value: replies[0] === undefined ? null : bitsOf(replies[0]) };
}

function start(
  { call, client, name, definition, steps }: PreparedCall,
  channel: grpc.Channel,
  receive: (error: grpc.ServiceError | null, response?: unknown) => void,
): Rpc {
  const metadata = new grpc.Metadata({ waitForReady: call.wait_for_ready ?? false });
  for (const [key, value] of call.metadata ?? []) {
    metadata.add(key, key.endsWith("-bin") ? Buffer.from(value, "hex") : value);
  }
  const { timeout_ms: timeout = Number.POSITIVE_INFINITY } = call;
  const options = { channelOverride: channel };
  const stub = new client(channel.getTarget(), grpc.credentials.createInsecure(), options);
  return stub[name]?.call(
    stub,
    ...(definition.requestStream ? [] : [steps[0]?.request]),
    metadata,
    { deadline: Date.now() + timeout },
    ...(definition.responseStream ? [] : [receive]),
  );
}

async function runScript(
  { definition: { requestStream, responseStream }, steps }: PreparedCall,
  rpc: Rpc,
  replies: unknown[],
): Promise<void> {
  const responses = responseStream ? rpc.iterator({ destroyOnReturn: false }) : undefined;
  async function receive(count: number): Promise<void> {
    try {
      for (let received = 0; received < count; received++) {
        const next = await responses?.next();
        if (next === undefined || next.done) {
          return;
        }
        replies.push(next.value);
      }
    } catch {
      // The call has ended; the agent reports its status.
    }
  }
  for (const step of steps) {
    if (step.cancel) {
      rpc.cancel();
      return;
    }
    if (step.send !== undefined && requestStream) {
      rpc.write(step.request);
    } else if (step.half_close && requestStream) {
      rpc.end();
    } else if (step.receive !== undefined) {
      await receive(step.receive);
    } else if (step.pause_ms !== undefined) {
      await setTimeout(step.pause_ms);
    }
  }
  if (requestStream) {
    rpc.end();
  }
  await receive(Number.POSITIVE_INFINITY);
}

/** The bits of the float32 in a Number. */
function bitsOf(message: Buffer): string {
  const bits = Buffer.alloc(4);
  bits.writeFloatBE(SquareRoot.responseDeserialize(message).value ?? 0);
  return bits.toString("hex");
}
