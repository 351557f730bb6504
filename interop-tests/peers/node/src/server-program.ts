/** The counterpart of `python server.py`: serves Calculator on port 50051 until Ctrl-C. */

import { promisify } from "node:util";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { Calculator } from "./protos.js";
import { calculator } from "./services.js";

const server = new Server();
server.addService(Calculator.service, calculator);
console.log("Starting server. Listening on port 50051.");
await promisify(server.bindAsync.bind(server))("[::]:50051", ServerCredentials.createInsecure());
process.once("SIGINT", () => server.forceShutdown());
