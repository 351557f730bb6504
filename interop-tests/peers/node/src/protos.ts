/**
 * The services and messages of the .proto files, loaded when a program starts.
 *
 * A field that is not set stays undefined: protobufjs encodes every field that is set, even to its
 * default value, so defaults would change the bytes of a message that is parsed and sent again.
 */

import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { ProtoGrpcType as DetailsTypes } from "#types/error_details.js";
import type { ProtoGrpcType as StatusTypes } from "#types/status.js";
import type { ProtoGrpcType as CalculatorTypes } from "#types/streaming_calculator.js";

export const packageDefinition = loadSync(
  [
    "streaming_calculator.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
    "grpc/health/v1/health.proto",
    "grpc/reflection/v1/reflection.proto",
    "grpc/reflection/v1alpha/reflection.proto",
  ],
  { includeDirs: [fileURLToPath(new URL("../proto", import.meta.url))] },
);

const packages: grpc.GrpcObject = grpc.loadPackageDefinition(packageDefinition);

export const {
  Calculator,
  StreamingCalculator,
  google: {
    rpc: { BadRequest, Status },
  },
} = packages as unknown as CalculatorTypes & DetailsTypes & StatusTypes;

/** The client of this service, if a .proto file of the project defines it. */
export function clientOf(service: string): grpc.ServiceClientConstructor | undefined {
  const found = packages[service];
  return typeof found === "function" && "service" in found ? found : undefined;
}
