/** The outcome of a call as plain data for JSON, in which messages are still bytes. */

import * as grpc from "@grpc/grpc-js";
import { BadRequest, Status } from "./protos.js";

export interface Outcome {
  status: string;
  message: string;
  value: string | null;
  replies?: Buffer[];
  details?: { code: number; message: string; violations: [string, string][] };
  initial_metadata: [string, string][];
  trailing_metadata: [string, string][];
  elapsed_ms: number;
}

// Headers of HTTP, which grpc-js does not separate from metadata.
const HTTP_HEADERS = ["accept-encoding", "content-type"];

/** The outcome without responses of a call that ends now. */
export function outcomeOf(
  status: string,
  { details, metadata }: Pick<grpc.StatusObject, "details" | "metadata">,
  started: number,
  initial = new grpc.Metadata(),
): Outcome {
  return {
    status,
    message: details,
    value: null,
    ...detailsOf(metadata),
    initial_metadata: entries(initial),
    trailing_metadata: entries(metadata),
    elapsed_ms: performance.now() - started,
  };
}

function entries(metadata: grpc.Metadata): [string, string][] {
  const keys = Object.keys(metadata.getMap()).filter((key) => !HTTP_HEADERS.includes(key));
  return keys.flatMap((key) =>
    metadata.get(key).map((value): [string, string] => {
      return [key, typeof value === "string" ? value : value.toString("hex")];
    }),
  );
}

function detailsOf(metadata: grpc.Metadata): Pick<Outcome, "details"> {
  const [value] = metadata.get("grpc-status-details-bin");
  if (!Buffer.isBuffer(value)) {
    return {};
  }
  try {
    const { code = 0, message = "", details = [] } = Status.deserialize(value);
    const violations = details.flatMap((detail): [string, string][] => {
      if (!detail.type_url?.endsWith("/google.rpc.BadRequest")) {
        return [];
      }
      const { fieldViolations = [] } = BadRequest.deserialize(detail.value ?? Buffer.alloc(0));
      return fieldViolations.map(({ field = "", description = "" }) => [field, description]);
    });
    return { details: { code, message, violations } };
  } catch {
    // A server may send any bytes.
    return {};
  }
}
