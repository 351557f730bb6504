/** Prints the versions of Node and of the gRPC and protobuf packages, each on a line. */

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

console.log(`node ${process.versions.node}`);
for (const name of [
  "@grpc/grpc-js",
  "@grpc/proto-loader",
  "protobufjs",
  "grpc-health-check",
  "@grpc/reflection",
]) {
  console.log(`${name} ${require(`${name}/package.json`).version}`);
}
