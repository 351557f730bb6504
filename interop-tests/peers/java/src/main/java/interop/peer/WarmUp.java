package interop.peer;

import interop.peer.rpc.CalculatorGrpc;
import interop.peer.rpc.Number;
import interop.peer.service.CalculatorService;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.net.InetSocketAddress;

/**
 * Makes a call within the process, which loads the classes of clients and servers.
 *
 * <p>On a busy machine that takes seconds, which would be a part of the first call of a test.
 */
public final class WarmUp {
  private WarmUp() {}

  /** Returns when the call has ended. */
  public static void run() throws IOException {
    io.grpc.Server server =
        NettyServerBuilder.forAddress(
                new InetSocketAddress("127.0.0.1", 0), InsecureServerCredentials.create())
            .addService(new CalculatorService())
            .build()
            .start();
    ManagedChannel channel =
        Grpc.newChannelBuilder("127.0.0.1:" + server.getPort(), InsecureChannelCredentials.create())
            .build();
    CalculatorGrpc.newBlockingStub(channel).squareRoot(Number.getDefaultInstance());
    channel.shutdownNow();
    server.shutdownNow();
  }
}
