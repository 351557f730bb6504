/**
 * The arithmetic of both calculators, independent of gRPC.
 *
 * Numbers are doubles, which keep the payload of a NaN and make a signalling one quiet.
 */

import { setTimeout } from "node:timers/promises";
import type { Number__Output } from "#types/Number.js";
import type { RepeatedRootsRequest__Output } from "#types/RepeatedRootsRequest.js";

const MAX_COUNT = 10_000_000;
const MAX_RESPONSE_SIZE = 16_777_216;

/** A request is invalid; `field` is the invalid field, if there is one. */
export class InvalidArgumentError extends Error {
  constructor(
    readonly description: string,
    readonly field?: string,
  ) {
    super(field === undefined ? description : `${field} ${description}`);
  }
}

/** The root as a float32. */
export function squareRoot(value: number): number {
  if (value < 0) {
    throw new RangeError("math domain error");
  }
  return Math.fround(Math.sqrt(value));
}

/** The root of the start, the root of that root, and so on, at the requested interval. */
export async function* repeatedRoots(
  request: RepeatedRootsRequest__Output,
): AsyncGenerator<{ value: number }> {
  const { start, count = 0, intervalMs = 0 } = request;
  check("count", count, MAX_COUNT);
  check("interval_ms", intervalMs);
  let value = start?.value ?? 0;
  for (let index = 0; index < count; index++) {
    if (index > 0 && intervalMs > 0) {
      await setTimeout(intervalMs);
    }
    value = squareRoot(value);
    yield { value };
  }
}

export async function rootMeanSquare(
  numbers: AsyncIterable<Number__Output>,
): Promise<{ value: number }> {
  let count = 0;
  let sumOfSquares = 0;
  let firstNaN: number | undefined;
  for await (const { value = 0 } of numbers) {
    count += 1;
    sumOfSquares += value * value;
    if (Number.isNaN(value)) {
      firstNaN ??= value;
    }
  }
  if (count === 0) {
    throw new InvalidArgumentError("the stream has no number");
  }
  return { value: firstNaN ?? squareRoot(sumOfSquares / count) };
}

export async function* rootOfEach(
  numbers: AsyncIterable<Number__Output>,
): AsyncGenerator<{ value: number }> {
  for await (const { value = 0 } of numbers) {
    yield { value: squareRoot(value) };
  }
}

/** A payload of this size. */
export function payload(size: number): Buffer {
  check("response_size", size, MAX_RESPONSE_SIZE);
  return Buffer.alloc(size);
}

function check(field: string, value: number, maximum = Number.POSITIVE_INFINITY): void {
  if (value < 0) {
    throw new InvalidArgumentError(`is negative: ${value}`, field);
  }
  if (value > maximum) {
    throw new InvalidArgumentError(`is more than ${maximum}: ${value}`, field);
  }
}
