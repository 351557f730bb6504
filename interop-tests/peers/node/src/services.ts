/**
 * The handlers of both calculators.
 *
 * Their errors have the texts of grpcio, which are those of the tutorial's server.
 */

import { Readable, type Writable } from "node:stream";
import * as grpc from "@grpc/grpc-js";
import type { CalculatorHandlers } from "#types/Calculator.js";
import type { StreamingCalculatorHandlers } from "#types/StreamingCalculator.js";
import {
  InvalidArgumentError,
  payload,
  repeatedRoots,
  rootMeanSquare,
  rootOfEach,
  squareRoot,
} from "./arithmetic.js";
import { BadRequest, Status } from "./protos.js";

export const calculator: CalculatorHandlers = {
  SquareRoot(call, callback) {
    respond(callback, () => ({ value: squareRoot(call.request.value ?? 0) }));
  },
};

export const streamingCalculator: StreamingCalculatorHandlers = {
  RepeatedRoots(call) {
    respondWithStream(call, repeatedRoots(call.request));
  },
  RootMeanSquare(call, callback) {
    respond(callback, () => rootMeanSquare(call));
  },
  RootOfEach(call) {
    // By default the end of the iteration destroys the stream, and with it the responses.
    respondWithStream(call, rootOfEach(call.iterator({ destroyOnReturn: false })));
  },
  Exchange(call, callback) {
    respond(callback, () => ({ payload: payload(call.request.responseSize ?? 0) }));
  },
};

async function respond<Response>(
  callback: grpc.sendUnaryData<Response>,
  compute: () => Response | Promise<Response>,
): Promise<void> {
  let response: Response;
  try {
    response = await compute();
  } catch (error) {
    callback(statusOf(error, "calling application"));
    return;
  }
  callback(null, response);
}

/** Writes responses as fast as the client reads them, until the call has ended. */
function respondWithStream(call: Writable, responses: AsyncIterable<unknown>): void {
  const source = Readable.from(responses);
  source.on("error", (error) => call.emit("error", statusOf(error, "iterating responses")));
  call.on("cancelled", () => source.destroy());
  source.pipe(call);
}

function statusOf(error: unknown, action: string): Partial<grpc.StatusObject> {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof InvalidArgumentError)) {
    return { code: grpc.status.UNKNOWN, details: `Exception ${action}: ${message}` };
  }
  const metadata = new grpc.Metadata();
  if (error.field !== undefined) {
    const { field, description } = error;
    const badRequest = BadRequest.serialize({ fieldViolations: [{ field, description }] });
    const typeUrl = "type.googleapis.com/google.rpc.BadRequest";
    const details = Status.serialize({
      code: grpc.status.INVALID_ARGUMENT,
      message,
      details: [{ type_url: typeUrl, value: badRequest }],
    });
    metadata.set("grpc-status-details-bin", details);
  }
  return { code: grpc.status.INVALID_ARGUMENT, details: message, metadata };
}
