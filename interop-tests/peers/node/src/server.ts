/**
 * The server for tests: listens at any address, prints it, and serves until it is stopped.
 *
 * Node refuses to listen at a socket file that a killed server has left behind, so that file is
 * removed before, unless a server still listens there.
 */

import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { parseArgs, promisify } from "node:util";
import { Server, ServerCredentials, type ServerOptions } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { HealthImplementation } from "grpc-health-check";
import { testDirectives } from "./directives.js";
import { Calculator, packageDefinition, StreamingCalculator } from "./protos.js";
import { calculator, streamingCalculator } from "./services.js";

const { values: options } = parseArgs({
  options: {
    address: { type: "string", default: "127.0.0.1:0" },
    "tls-certificate": { type: "string" },
    "tls-key": { type: "string" },
    "tls-client-ca": { type: "string" },
    "max-connection-age": { type: "string" },
    "test-behaviour": { type: "boolean", default: false },
    "until-stdin-closes": { type: "boolean", default: false },
  },
});

function credentials(): ServerCredentials {
  const { "tls-certificate": certificate, "tls-key": key, "tls-client-ca": clientCa } = options;
  if (certificate === undefined || key === undefined) {
    if (certificate ?? key ?? clientCa) {
      throw new Error("TLS needs both --tls-certificate and --tls-key");
    }
    return ServerCredentials.createInsecure();
  }
  const pair = { private_key: readFileSync(key), cert_chain: readFileSync(certificate) };
  const ca = clientCa === undefined ? null : readFileSync(clientCa);
  return ServerCredentials.createSsl(ca, [pair], ca !== null);
}

function server(): Server {
  const serverOptions: ServerOptions = {
    interceptors: options["test-behaviour"] ? [testDirectives()] : [],
  };
  if (options["max-connection-age"] !== undefined) {
    const seconds = Number(options["max-connection-age"]);
    if (!(seconds > 0)) {
      throw new Error("--max-connection-age must be a number of seconds above 0");
    }
    serverOptions["grpc.max_connection_age_ms"] = seconds * 1000;
  }
  const server = new Server(serverOptions);
  server.addService(Calculator.service, calculator);
  server.addService(StreamingCalculator.service, streamingCalculator);
  const serving = { "": "SERVING", Calculator: "SERVING", StreamingCalculator: "SERVING" } as const;
  new HealthImplementation(serving).addToServer(server);
  new ReflectionService(packageDefinition).addToServer(server);
  return server;
}

async function removeStaleSocket(path: string): Promise<void> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ECONNREFUSED") {
      rmSync(path);
    }
    return;
  } finally {
    socket.destroy();
  }
  throw new Error("another server listens there; stop it, or choose another path");
}

/** Binds the server, and returns the address with the port that it got. */
async function bind(server: Server, address: string): Promise<string> {
  const path = address.startsWith("unix:") ? address.slice("unix:".length) : undefined;
  if (path !== undefined) {
    await removeStaleSocket(path);
  }
  const port = await promisify(server.bindAsync.bind(server))(address, credentials());
  return path === undefined ? address.replace(/:\d+$/, `:${port}`) : address;
}

try {
  console.log(`Listening on ${await bind(server(), options.address)}`);
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  console.error(`server: cannot serve at ${options.address}: ${reason}`);
  process.exit(1);
}
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => process.exit(0));
}
if (options["until-stdin-closes"]) {
  process.stdin.on("end", () => process.exit(0)).resume();
}
