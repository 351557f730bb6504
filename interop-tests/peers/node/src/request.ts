/**
 * The requests of the agent, and their validation.
 *
 * An unknown key is rejected with its name: an agent that ignored one would report the outcome of
 * something that it did not do.
 */

/** A message: hex digits, or its bytes. */
export type Message = string | Buffer;

export interface Request {
  address: string;
  channels: number;
  keep_channels: boolean;
  calls: Call[];
  tls?: { ca: string; name?: string; certificate?: string; key?: string };
  keepalive?: { interval_ms: number; timeout_ms: number };
}

export interface Call {
  method: string;
  value?: string;
  message?: Message;
  kind?: string;
  stub?: boolean;
  script?: Step[];
  timeout_ms?: number;
  metadata?: [string, string][];
  compression?: string;
  wait_for_ready?: boolean;
}

export interface Step {
  send?: Message;
  half_close?: boolean;
  receive?: number;
  pause_ms?: number;
  cancel?: boolean;
}

/** A request asks for something that this agent cannot do. */
export class NotSupportedError extends Error {}

const REQUEST = ["address", "channels", "keep_channels", "calls", "tls", "keepalive"];
const TLS = ["ca", "name", "certificate", "key"];
const KEEPALIVE = ["interval_ms", "timeout_ms"];
const PAYLOADS = ["value", "message", "script"];
const OPTIONS = ["timeout_ms", "metadata", "compression", "wait_for_ready"];
const CALL = ["method", "kind", "stub", ...PAYLOADS, ...OPTIONS];
const STEP = ["send", "half_close", "receive", "pause_ms", "cancel"];

/** The request, if all its keys are known. */
export function validated(value: unknown): Request {
  const request = value as Request;
  check(request, "the request", REQUEST);
  check(request.tls ?? {}, '"tls"', TLS);
  check(request.keepalive ?? {}, '"keepalive"', KEEPALIVE);
  for (const [index, call] of request.calls.entries()) {
    const where = `calls[${index}]`;
    check(call, where, CALL);
    if (PAYLOADS.filter((key) => key in call).length !== 1) {
      throw new NotSupportedError(`${where} needs exactly one of ${PAYLOADS.join(", ")}`);
    }
    for (const [index, step] of (call.script ?? []).entries()) {
      check(step, `${where}.script[${index}]`, STEP);
    }
  }
  return request;
}

function check(value: unknown, where: string, known: string[]): void {
  if (typeof value !== "object" || value === null) {
    throw new NotSupportedError(`${where} is not an object`);
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new NotSupportedError(`${where} has the unknown key "${unknown}"`);
  }
}
