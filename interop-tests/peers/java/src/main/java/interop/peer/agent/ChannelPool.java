package interop.peer.agent;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import interop.peer.Compressions;
import interop.peer.agent.Protocol.Connections;
import interop.peer.agent.Protocol.Keepalive;
import interop.peer.agent.Protocol.Tls;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.TlsChannelCredentials;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Opens and closes channels; keeps those that later requests may use again. */
final class ChannelPool {
  /** grpc-java uses this interval in place of a shorter one. */
  private static final long MIN_KEEPALIVE_MS = SECONDS.toMillis(10);

  private final Map<Connections, List<ManagedChannel>> kept = new HashMap<>();

  /** Returns kept channels, or new ones, each of which has a connection of its own. */
  List<ManagedChannel> open(Connections connections) throws UnsupportedRequestException {
    List<ManagedChannel> channels = kept.remove(connections);
    if (channels != null) {
      return channels;
    }
    ManagedChannelBuilder<?> builder = builder(connections);
    channels = new ArrayList<>();
    for (int i = 0; i < connections.channels(); i++) {
      channels.add(builder.build());
    }
    return channels;
  }

  /** Takes channels back after a request. */
  void release(Connections connections, List<ManagedChannel> channels, boolean keep) {
    if (keep) {
      kept.put(connections, channels);
    } else {
      channels.forEach(ManagedChannel::shutdownNow);
    }
  }

  private static ManagedChannelBuilder<?> builder(Connections connections)
      throws UnsupportedRequestException {
    Tls tls = connections.tls();
    ManagedChannelBuilder<?> builder =
        Grpc.newChannelBuilder(connections.address(), credentials(tls))
            .compressorRegistry(Compressions.compressors())
            .decompressorRegistry(Compressions.decompressors())
            // The server is on this machine.
            .proxyDetector(address -> null);
    if (tls != null && tls.name() != null) {
      builder.overrideAuthority(tls.name());
    } else if (connections.address().startsWith("unix:")) {
      // By default grpc-java sends the path of the socket, which is no valid :authority.
      builder.overrideAuthority("localhost");
    }
    Keepalive keepalive = connections.keepalive();
    if (keepalive != null) {
      if (keepalive.intervalMs() < MIN_KEEPALIVE_MS) {
        throw new UnsupportedRequestException(
            "grpc-java sends a keepalive ping every 10 s at most, not every "
                + keepalive.intervalMs()
                + " ms");
      }
      builder.keepAliveTime(keepalive.intervalMs(), MILLISECONDS);
      builder.keepAliveTimeout(keepalive.timeoutMs(), MILLISECONDS);
    }
    return builder;
  }

  private static ChannelCredentials credentials(Tls tls) throws UnsupportedRequestException {
    if (tls == null) {
      return InsecureChannelCredentials.create();
    }
    try {
      var builder = TlsChannelCredentials.newBuilder().trustManager(new File(tls.ca()));
      if (tls.certificate() != null) {
        builder.keyManager(new File(tls.certificate()), new File(tls.key()));
      }
      return builder.build();
    } catch (IOException e) {
      throw new UnsupportedRequestException("tls", e);
    }
  }
}
