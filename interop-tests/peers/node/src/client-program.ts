/**
 * The counterpart of `python client.py`: prints the root of 16.
 *
 * A failed call prints the end of a traceback of grpcio, because scripts may search for it.
 */

import { promisify } from "node:util";
import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import type { Number__Output } from "#types/Number.js";
import { Calculator } from "./protos.js";

const client = new Calculator("localhost:50051", credentials.createInsecure());
const squareRoot = promisify<object, Number__Output | undefined>(client.SquareRoot.bind(client));
try {
  const response = await squareRoot({ value: 16 });
  const value = response?.value ?? 0;
  console.log(Number.isInteger(value) ? value.toFixed(1) : String(value));
} catch (error) {
  const { code, details } = error as ServiceError;
  console.error(
    `RPC that terminated with:\n\tstatus = StatusCode.${status[code]}\n\tdetails = "${details}"\n>`,
  );
  process.exit(1);
}
// At once: after client.close() the process ends only when the connection has been closed.
process.exit(0);
