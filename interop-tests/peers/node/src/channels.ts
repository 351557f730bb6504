/**
 * The channels of a request: opened for it, and kept for a following one if the request says so.
 *
 * By default the channels of a process share their connections, so a test of several connections
 * would test only one.
 */

import { readFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { NotSupportedError, type Request } from "./request.js";

const kept = new Map<string, grpc.Channel[]>();

/** Runs `use` with the channels of a request. */
export async function withChannels<Result>(
  request: Request,
  use: (channels: grpc.Channel[]) => Promise<Result>,
): Promise<Result> {
  const { address, channels: count, tls, keepalive } = request;
  const compression = compressionOf(request);
  const key = JSON.stringify([address, count, tls, keepalive, compression]);
  const channels = kept.get(key) ?? open(request, compression);
  kept.delete(key);
  try {
    return await use(channels);
  } finally {
    if (request.keep_channels) {
      kept.set(key, channels);
    } else {
      for (const channel of channels) {
        channel.close();
      }
    }
  }
}

/** The compression of all calls: grpc-js has an option of the channel and none of the call. */
function compressionOf({ calls }: Request): grpc.compressionAlgorithms {
  const names = new Set(calls.map((call) => call.compression ?? "identity"));
  const [name = "identity"] = names;
  if (names.size > 1) {
    throw new NotSupportedError("grpc-js compresses all calls of a channel in the same way");
  }
  const compression = grpc.compressionAlgorithms[name as keyof typeof grpc.compressionAlgorithms];
  if (compression === undefined) {
    throw new NotSupportedError(`grpc-js has no compression "${name}"`);
  }
  return compression;
}

function open(request: Request, compression: grpc.compressionAlgorithms): grpc.Channel[] {
  const { address, channels, tls, keepalive } = request;
  const options: grpc.ChannelOptions = {
    "grpc.use_local_subchannel_pool": 1,
    // The server is on this machine, and a proxy in the environment must not be used.
    "grpc.enable_http_proxy": 0,
    "grpc.default_compression_algorithm": compression,
  };
  if (tls?.name !== undefined) {
    options["grpc.ssl_target_name_override"] = tls.name;
    options["grpc.default_authority"] = tls.name;
  }
  if (keepalive !== undefined) {
    options["grpc.keepalive_time_ms"] = keepalive.interval_ms;
    options["grpc.keepalive_timeout_ms"] = keepalive.timeout_ms;
  }
  const channelCredentials = tls === undefined ? grpc.credentials.createInsecure() : secure(tls);
  return Array.from(
    { length: channels },
    () => new grpc.Channel(address, channelCredentials, options),
  );
}

function secure({ ca, certificate, key }: NonNullable<Request["tls"]>): grpc.ChannelCredentials {
  const pem = (path: string | undefined) => (path === undefined ? null : readFileSync(path));
  return grpc.credentials.createSsl(pem(ca), pem(key), pem(certificate));
}
